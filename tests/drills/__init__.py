"""Tests that take minutes each: `make drills`, and not part of `make test`."""
