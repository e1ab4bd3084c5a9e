"""The lake's tables: their names, their logs, and commits that are fenced by leases."""
