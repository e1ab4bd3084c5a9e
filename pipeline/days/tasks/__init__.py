"""The lake's tasks, one file each; who runs them and in which order; and what they record."""
