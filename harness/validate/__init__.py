"""Turns YAML into a scenario, or lists every problem in it. Knows all registries."""
