"""Writes the course of a run as it happens: its phases, its faults, and the processes that end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.base.errors import how_ended
from harness.base.report import Report
from harness.base.run_clock import RunClock
from harness.history.writer import append_jsonl
from harness.processes.protocol import ProcessEnd, ProcessStatus
from harness.scenario.phases import PhaseName

_AFTER_LOAD: Final[frozenset[PhaseName]] = frozenset({"drain", "lake", "done"})


@dataclass(kw_only=True)
class Recorder:
    """Stamps each line with the run's clock, in the order in which the lines are written."""

    history: Path
    clock: RunClock
    phase: PhaseName | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # An empty file means that nothing ended; no file means that nobody looked.
        (self.history / "ends.jsonl").touch()

    def enter(self, phase: PhaseName) -> bool:
        """Record that a phase begins; False if it was already in force."""
        with self._lock:
            if phase == self.phase:
                return False
            self._begin(phase, *self.clock.both_ns())
            return True

    def fault(self, line: dict[str, object], phase: PhaseName) -> None:
        """Record one step of a fault and, at the same instant, the phase that begins with it, if one does.

        Called from the conductor's threads. After the load no phase of it begins, whatever is healed.
        """
        with self._lock:
            at_ns, at_unix_ns = self.clock.both_ns()
            if self.phase not in {phase, *_AFTER_LOAD}:
                self._begin(phase, at_ns, at_unix_ns)
            self._append("faults", {"at_ns": at_ns, **line})

    def ended(self, node: str, end: ProcessEnd) -> None:
        """Record that a process ended, and when."""
        at_ns = end.at_monotonic_ns - self.clock.epoch_monotonic_ns
        with self._lock:
            self._append("ends", {"at_ns": at_ns, "node": node, "exit": end.exit})

    def _begin(self, phase: PhaseName, at_ns: int, at_unix_ns: int) -> None:
        self.phase = phase
        self._append("phases", {"at_ns": at_ns, "phase": phase, "at_unix_ns": at_unix_ns})

    def _append(self, name: str, line: dict[str, object]) -> None:
        append_jsonl(self.history / f"{name}.jsonl", line)


@dataclass(kw_only=True)
class ExitWatch:
    """Records every process that ends. A check decides which ends were deaths.

    The platform knows each end and its time, so a late poll misses nothing.
    """

    status: Callable[[], Sequence[ProcessStatus]]
    recorder: Recorder
    report: Report
    _noted: Counter[str] = field(default_factory=Counter)

    def poll(self) -> Sequence[ProcessStatus]:
        """Record each end since the last poll. Returns every process. Raises ``PlatformError``."""
        statuses = self.status()
        for one in statuses:
            for end in one.ends[self._noted[one.name] :]:
                self.recorder.ended(one.name, end)
                self.report(f"{one.name} ended {how_ended(end.exit)}")
            self._noted[one.name] = len(one.ends)
        return statuses
