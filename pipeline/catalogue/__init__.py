"""Which versions of which contracts there are. A new one is judged before anything is written by it."""
