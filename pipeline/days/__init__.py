"""The lake's days: landing, Bronze, Silver and Gold, exact for every day."""
