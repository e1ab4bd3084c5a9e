"""The harness's own connections to the platform's engines."""
