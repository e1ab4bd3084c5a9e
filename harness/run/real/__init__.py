"""The real parts of a run: engines, pipeline, Locust and observers."""
