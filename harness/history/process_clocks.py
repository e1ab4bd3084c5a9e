"""Detects processes of a run whose clocks differ from the run's.

All timestamps come from the machine's monotonic clock, which its processes share. A process with another
time, from a library that fakes it or from a wrong epoch, would record plausible but wrong timestamps. So each
process records both its clocks when it starts and when it ends. The wall clock may be adjusted during the
run, which the phases show; a process that is off by more has a different clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from harness.base.run_clock import RunClock
from harness.history.course import PhaseLine
from harness.history.run_info import RunInfo
from harness.history.writer import append_jsonl
from pipeline.hot.write_log import boot

ALLOWED_NS: Final = 250_000_000
"""The deviation of a process's clocks, or adjustment of the wall clock, that is tolerated."""


class ClockLine(BaseModel):
    """A line of ``clocks-<worker>.jsonl``: both clocks of one process, at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    worker: str
    at_ns: int
    """By the run's clock, as this process sees it."""
    at_unix_ns: int
    boot: str
    """Its machine's boot id; wall clocks of other machines are not compared."""


def record_clocks(history: Path, worker: str, clock: RunClock) -> None:
    """Append the current readings of this process's clocks."""
    at_ns, at_unix_ns = clock.both_ns()
    line = ClockLine(worker=worker, at_ns=at_ns, at_unix_ns=at_unix_ns, boot=boot())
    append_jsonl(history / f"clocks-{worker}.jsonl", line.model_dump())


def wall_clock_steps_ns(phases: Sequence[PhaseLine], info: RunInfo) -> tuple[int, int]:
    """Return the least and the most that the wall clock was ahead of the run's, as recorded by its phases."""
    steps = [
        line.at_unix_ns - info.epoch_unix_ns - line.at_ns for line in phases if line.at_unix_ns is not None
    ]
    return min(0, *steps, 0), max(0, *steps, 0)


def clock_deviations(lines: Sequence[ClockLine], phases: Sequence[PhaseLine], info: RunInfo | None) -> str:
    """Return which processes on the run's machine deviate from its clock, and by how much; "" if none."""
    if info is None:
        return ""
    least_ns, most_ns = wall_clock_steps_ns(phases, info)
    off_ns: dict[str, int] = {}
    for line in lines:
        ahead_ns = line.at_ns + info.epoch_unix_ns - line.at_unix_ns
        beyond_ns = max(-most_ns - ahead_ns, ahead_ns + least_ns, 0)
        if line.boot == info.boot != "" and beyond_ns > ALLOWED_NS:
            off_ns[line.worker] = max(off_ns.get(line.worker, 0), ahead_ns, key=abs)
    off = ", ".join(f"{worker} by {ahead_ns / 1e9:+.3f} s" for worker, ahead_ns in sorted(off_ns.items()))
    return f"clocks deviate from the run's: {off}" if off else ""
