"""The lake as objects: a client of the object store, and leases on its tables."""
