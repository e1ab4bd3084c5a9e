"""The hot store and the writer that fills it."""
