"""What a deployment is made of: a file for each layer, and a line in registry.py."""
