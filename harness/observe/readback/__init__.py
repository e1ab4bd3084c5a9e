"""The read-back of topics, hot store and lake once everything has drained."""
