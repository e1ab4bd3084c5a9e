"""The quality of a day: gates between the layers, outliers, and the report of both."""
