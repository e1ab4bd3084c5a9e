"""The lake: landing, Bronze, Silver and Gold, exact every day."""
