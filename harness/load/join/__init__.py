"""Workers that join from other machines: what they are sent, their clocks, their records."""
