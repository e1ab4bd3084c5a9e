"""The foundation, independent of Floodmark itself: errors, units, files, clocks, documents."""
