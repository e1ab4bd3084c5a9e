"""The data platform under test: contract, stream job, hot writer. It knows nothing of the harness."""
