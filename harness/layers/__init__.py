"""How each layer of the pipeline is observed and judged: a file each, and a line in registry.py."""
