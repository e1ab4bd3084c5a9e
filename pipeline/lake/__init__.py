"""The lake as objects: the object store's client, and leases on tables."""
