"""Processes of this machine under one supervisor, which leaves none of them behind."""
