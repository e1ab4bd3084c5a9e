"""The scenario as a pure value: what to run, as data. YAML is read in harness/validate/."""
