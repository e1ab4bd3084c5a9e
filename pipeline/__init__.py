"""The data platform under test: contract, stream job, hot store and lake. It imports no harness."""
