"""Registers versions of contracts. A new version is checked before anything is written under it."""
