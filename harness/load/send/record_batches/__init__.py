"""Path `record_batches`: encoded once; each send rewrites only the headers."""
