"""Path `events`: the events of a plan, sent one by one when they are due."""
