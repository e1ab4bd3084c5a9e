"""The live path: events that are computed as they are sent, one by one, by librdkafka."""
