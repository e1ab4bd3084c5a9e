"""The profiles: events per second over time, one file each."""
