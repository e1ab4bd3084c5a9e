"""The three ways to send: single events, pre-encoded record batches, and computed record batches."""
