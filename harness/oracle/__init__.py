"""The right answer, computed by DuckDB from the plan and the source topic, not by the pipeline's code."""
