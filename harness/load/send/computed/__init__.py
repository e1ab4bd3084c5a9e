"""Path `computed`: events that are computed as they are sent, in record batches."""
