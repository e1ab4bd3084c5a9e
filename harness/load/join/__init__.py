"""How workers of other machines take part in a load: what they are sent, their clocks, their records."""
