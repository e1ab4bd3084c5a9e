"""The life cycle of data: hot in Cassandra, warm in the lake, cold in an archive that can be restored."""
