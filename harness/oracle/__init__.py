"""The expected results, computed by DuckDB from the plan and the source topic without the pipeline's code."""
