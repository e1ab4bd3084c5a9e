"""From YAML to a scenario, or to every problem in it. Knows all registries."""
