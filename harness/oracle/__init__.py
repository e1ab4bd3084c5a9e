"""The right answer, computed by DuckDB from the plan and never by the pipeline's own code."""
