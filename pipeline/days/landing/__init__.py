"""Landing: the source topic's records and the reference tables' snapshots, each taken once."""
