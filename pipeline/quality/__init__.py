"""The quality of a day: gates between the layers, outliers, and a report on both."""
