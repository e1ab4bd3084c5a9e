"""The ground: what knows nothing of Floodmark itself. Errors, units, files, clocks, documents."""
