"""Hypothesis without deadlines: how long an example takes says more of the machine than of the code.

Twice as many workers as processors: half of these tests' time is waiting, for processes and for time-outs.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_xdist_auto_num_workers() -> int:
    """What ``-n auto`` and ``-n logical`` stand for."""
    return 2 * (os.cpu_count() or 1)
