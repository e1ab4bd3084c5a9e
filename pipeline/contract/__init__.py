"""The data contracts: what an event is, and everything that is derived from that."""
