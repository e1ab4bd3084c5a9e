"""What Bronze, Silver and Gold hold, computed from the layer below."""
