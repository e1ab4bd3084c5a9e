"""The scenario as a pure value: what to run, as data. Whatever reads YAML is in harness/validate/."""
