"""The workers of a load: what each is told, its share, and the session that sends it."""
