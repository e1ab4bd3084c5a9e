"""What checks are made of: measurements, aggregates, phases, signals."""
