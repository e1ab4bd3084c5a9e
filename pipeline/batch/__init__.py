"""The batch layer: landing, Bronze, Silver and Gold, exact every day."""
