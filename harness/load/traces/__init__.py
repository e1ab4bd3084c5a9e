"""Traces: files of any supported format, mapped to events of the contract."""
