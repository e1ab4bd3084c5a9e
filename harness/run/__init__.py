"""A run: its order, its phases and faults, and the folder that it leaves."""
