"""How many whole runs go on at once: two, or one on a machine on which two would starve each other."""

from __future__ import annotations

import time

import pytest

_ADDITIONS = 2_000_000
_FAST_S = 0.1
"""For the additions. Where they took twice as long, two runs at once did not keep up with their loads."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Answer ``-n auto``."""
    return 2 if min(_seconds() for _ in range(5)) < _FAST_S else 1


def _seconds() -> float:
    began_s = time.perf_counter()
    sum(number * number for number in range(_ADDITIONS))
    return time.perf_counter() - began_s
