"""The harness: runs a scenario against a platform, breaks it, and judges what came of it."""
