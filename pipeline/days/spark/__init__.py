"""The Spark session of a lake process: its driver, its settings and its class archives."""
