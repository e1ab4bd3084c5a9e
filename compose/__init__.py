"""Configuration templates of the engines, shared by every backend."""
