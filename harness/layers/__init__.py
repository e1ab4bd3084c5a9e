"""How each layer of the pipeline is observed and judged: one file each, and a line in registry.py."""
