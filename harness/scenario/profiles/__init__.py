"""The profiles: events per second over time, a file each."""
