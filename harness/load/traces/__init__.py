"""Traces: files of any format as events of the contract, by their mapping."""
