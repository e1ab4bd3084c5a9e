"""Locust's side of a load: its master, its workers, and what each of them drives."""
