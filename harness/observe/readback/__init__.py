"""The read-back: what topics, hot store and lake hold once everything has drained."""
