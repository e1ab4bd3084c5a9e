"""How the harness itself connects to the platform's engines."""
