"""How long the hot writers' batches took, and how long they wrote none while records waited.

A batch that hangs, or that a kill cut short, is not in the writers' log: judging only survivors would make a
dead store look fast. So more than ten seconds without a batch under way, while the sampled lag shows records
waiting, stand for the batches that should have been written then: at the rate of the remaining time, each
lasting until something was written again, or forever. Without a record of the lag, nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.history.process_clocks import ALLOWED_NS
from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement, Numbers, Unjudged
from harness.judge.measure.needs import STREAM
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.signals import SECOND_NS, sampled_until_ns
from harness.judge.measure.timing import by_phase

SILENCE_NS: Final = 10 * SECOND_NS
"""Commits come with checkpoints, and a writer whose broker died finds another within this time."""
HOLE_NS: Final = 15 * SECOND_NS
"""Between two samples; brokers that were killed or paused have cost up to 11 s of them."""
_STAND_FOR_MOST: Final = 1000
"""The most (weighted) rows that stand for the batches of one silence."""

_WRITES: Final = """
SELECT at_ns, duration_us / 1e3 AS value, by_wall_clock FROM hot_writes ORDER BY at_ns
"""
_WAITING: Final = """
SELECT at_ns, sum(value) > 0 AS waiting FROM samples
WHERE metric = 'hot_lag_events' GROUP BY at_ns ORDER BY at_ns
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silence:
    """A time in which nothing was written although records waited."""

    from_ns: int
    to_ns: int
    ended: bool
    """Whether writing resumed, nothing waited any more, or sampling ended."""


class _Unknown(Exception):
    """It is not recorded whether records waited."""


class HotWriteLatency(DistributionCheck):
    """The hot writers time each batch themselves; their lag shows what they did not write."""

    name = "hot_write_latency"
    describes = "duration of each batch that a hot writer wrote, and of silences while records waited"
    unit = "ms"
    fit_for = (STREAM,)
    needs: Set[str] = timing.NEEDS | {"hot_writes", "samples", "run"}
    under_load = UnderLoad.PRESSURE

    def measure(self, history: History) -> Measurement:
        """Return the durations of the batches."""
        writes = history.columns(_WRITES)
        nothing = "the hot writers logged no batch"
        if not len(writes["at_ns"]):
            return Unjudged(reason=nothing)
        if writes["by_wall_clock"].any() and abs(history.wall_clock_step_ns) > ALLOWED_NS:
            step_s = history.wall_clock_step_ns / SECOND_NS
            return Unjudged(reason=f"the wall clock, which dates the writes, was set by {step_s:+,.3f} s")
        try:
            silences = list(_silences(history, writes))
        except _Unknown as unknown:
            return Unjudged(reason=str(unknown))
        rows = _with_silences(writes, silences, _period_ns(history))
        longest_s = max((s.to_ns - s.from_ns for s in silences), default=0) / SECOND_NS
        detail = f"nothing was written for up to {longest_s:.1f} s while records waited" if silences else ""
        return by_phase(history, rows, nothing=nothing, detail=detail)


def _period_ns(history: History) -> tuple[int, int]:
    """From the load's start until the end of the drain, or as far as the run came."""
    begun_ns = 0 if history.info is None else history.info.load_start_ns
    return begun_ns, max(begun_ns, sampled_until_ns(history))


def _silences(history: History, writes: dict[str, Numbers]) -> Iterator[_Silence]:
    """Yield the silences. Raises ``_Unknown`` for a long time without writes and without lag samples."""
    begun_ns, until_ns = _period_ns(history)
    samples = history.columns(_WAITING)
    ended_ns = writes["at_ns"] + (writes["value"] * 1e6).astype(np.int64)
    quiet_from_ns = np.concatenate([[begun_ns], np.maximum(np.maximum.accumulate(ended_ns), begun_ns)])
    quiet_to_ns = np.concatenate([writes["at_ns"], [until_ns]])
    for n in np.flatnonzero(quiet_to_ns - quiet_from_ns > SILENCE_NS).tolist():
        last = n == len(writes["at_ns"]) and history.read_back_done
        yield from _waited(samples, int(quiet_from_ns[n]), int(quiet_to_ns[n]), last=last)


def _waited(samples: dict[str, Numbers], from_ns: int, to_ns: int, *, last: bool) -> Iterator[_Silence]:
    """Yield the long parts of a time without writes in which records waited."""
    inside = (samples["at_ns"] >= from_ns) & (samples["at_ns"] < to_ns)
    at_ns, waiting = samples["at_ns"][inside], samples["waiting"][inside].astype(bool)
    if np.diff(np.concatenate([[from_ns], at_ns, [to_ns]])).max() > HOLE_NS:
        raise _Unknown(
            f"nothing was written from {from_ns / SECOND_NS:.1f} s to {to_ns / SECOND_NS:.1f} s, and it is"
            " not recorded whether records waited"
        )
    turns = np.flatnonzero(np.diff(np.concatenate([[False], waiting, [False]]).astype(np.int8)))
    for first, behind in turns.reshape(-1, 2).tolist():
        at_end = behind == len(at_ns)
        end_ns = to_ns if at_end else int(at_ns[behind])
        if end_ns - at_ns[first] > SILENCE_NS:
            yield _Silence(from_ns=int(at_ns[first]), to_ns=end_ns, ended=not (at_end and last))


def _with_silences(
    writes: dict[str, Numbers], silences: list[_Silence], period_ns: tuple[int, int]
) -> dict[str, Numbers]:
    """Return the batches, followed by those that silences stand for, spread evenly over their time."""
    silent_ns = sum(silence.to_ns - silence.from_ns for silence in silences)
    every_ns = max(1.0, (period_ns[1] - period_ns[0] - silent_ns) / len(writes["at_ns"]))
    at_ns, values = [writes["at_ns"]], [writes["value"]]
    weights = [np.ones(len(writes["at_ns"]), dtype=np.int64)]
    for silence in silences:
        length_ns = silence.to_ns - silence.from_ns
        count = max(1, round(length_ns / every_ns))
        rows = min(count, _STAND_FOR_MOST)
        began_ns = silence.from_ns + length_ns * np.arange(rows) // rows
        at_ns.append(began_ns)
        values.append((silence.to_ns - began_ns) / 1e6 if silence.ended else np.full(rows, np.inf))
        weights.append(np.full(rows, max(1, count // rows), dtype=np.int64))
    return {
        "at_ns": np.concatenate(at_ns),
        "value": np.concatenate(values),
        "weight": np.concatenate(weights),
    }
