"""The engines: configuration and readiness of each."""
