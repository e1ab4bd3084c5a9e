"""Which clocks the processes of a run recorded by, and whether these are one clock.

Everything is stamped by the machine's monotonic clock, which its processes share. A process to which another
time is told, by a library that fakes it or by an epoch that is not the run's, would record moments that look
like the others': so each says when it begins and when it ends what both its clocks show. The wall clock may
be set while the run goes on, which its phases tell; a process that is off by more has other clocks.
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
"""By so much clocks may be off, or be set while a run goes on, without being others."""


class ClockLine(BaseModel):
    """A line of ``clocks-<worker>.jsonl``: both clocks of one process, at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    worker: str
    at_ns: int
    """On the run's clock, as this process has it."""
    at_unix_ns: int
    boot: str
    """Of its machine: the wall clocks of others may show what they like."""


def note_clocks(history: Path, worker: str, clock: RunClock) -> None:
    """Append what the clocks of this process show."""
    at_ns, at_unix_ns = clock.both_ns()
    line = ClockLine(worker=worker, at_ns=at_ns, at_unix_ns=at_unix_ns, boot=boot())
    append_jsonl(history / f"clocks-{worker}.jsonl", line.model_dump())


def wall_clock_steps_ns(phases: Sequence[PhaseLine], info: RunInfo) -> tuple[int, int]:
    """The least and the most that the wall clock was ahead of the run's, as far as its phases tell."""
    steps = [
        line.at_unix_ns - info.epoch_unix_ns - line.at_ns for line in phases if line.at_unix_ns is not None
    ]
    return min(0, *steps, 0), max(0, *steps, 0)


def clock_doubt(lines: Sequence[ClockLine], phases: Sequence[PhaseLine], info: RunInfo | None) -> str:
    """Which processes of the run's machine have other clocks than it, and by how much; "" if none has."""
    if info is None:
        return ""
    least_ns, most_ns = wall_clock_steps_ns(phases, info)
    off_ns: dict[str, int] = {}
    for line in lines:
        ahead_ns = line.at_ns + info.epoch_unix_ns - line.at_unix_ns
        beyond_ns = max(-most_ns - ahead_ns, ahead_ns + least_ns, 0)
        if line.boot == info.boot != "" and beyond_ns > ALLOWED_NS:
            off_ns[line.worker] = max(off_ns.get(line.worker, 0), ahead_ns, key=abs)
    told = ", ".join(f"{worker} by {ahead_ns / 1e9:+.3f} s" for worker, ahead_ns in sorted(off_ns.items()))
    return f"clocks disagree: off those of the run are {told}" if told else ""
