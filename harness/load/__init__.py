"""Traces, the plan made of them, and the users that replay it."""
