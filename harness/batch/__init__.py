"""The batch stage of a run: what partners drop, and the days that are then carried out."""
