"""The ground of the pipeline: its errors and options, and how it connects to engines."""
