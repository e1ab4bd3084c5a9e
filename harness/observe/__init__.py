"""What looks at the platform from outside: sampler, prober, drain and read-back."""
