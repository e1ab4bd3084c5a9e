"""By how much what was sent in any so long time differs from what was due in it."""

from __future__ import annotations

import numpy as np

from harness.judge.measure.measurement import Numbers


def deviations_percent(due: Numbers, sent: Numbers, *, window: int) -> Numbers:
    """For every ``window`` slots in a row, however they overlap: the difference in percent of what was due.

    ``due`` and ``sent`` are events by slot, equally many slots of equal length. Where nothing was due, each
    event that was sent is a hundred percent.
    """
    due_in, sent_in = _in_windows(due, window), _in_windows(sent, window)
    deviations: Numbers = 100 * np.abs(sent_in - due_in) / np.maximum(due_in, 1)
    return deviations


def _in_windows(events: Numbers, window: int) -> Numbers:
    until = np.concatenate([[0.0], np.cumsum(events)])
    windows: Numbers = until[window:] - until[:-window]
    return windows
