"""The load: where events come from, what is planned, who sends it and how, and who reads beside it."""
