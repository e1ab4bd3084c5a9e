"""The computed path: events that are computed as they are sent, in batches of their own."""
