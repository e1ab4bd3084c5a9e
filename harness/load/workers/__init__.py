"""The workers of a load: their configuration, their shares, and the sessions that send these."""
