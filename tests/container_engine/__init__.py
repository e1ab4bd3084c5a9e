"""A Docker engine of the tests' own, with a base image, where there is no engine and no registry."""
