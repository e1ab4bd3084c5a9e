"""The load: event sources, the plan, the senders, and the readers that run beside them."""
