"""Writes the course of a run as it happens: its phases, its faults, and the processes that ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.backends.protocol import ProcessEnd
from harness.base.run_clock import RunClock
from harness.history.writer import append_jsonl
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
        # Without a line it says that nothing ended; without the file nobody looked.
        (self.history / "ends.jsonl").touch()

    def enter(self, phase: PhaseName) -> bool:
        """Note that a phase begins; True unless it was already in force."""
        with self._lock:
            if phase == self.phase:
                return False
            self._begin(phase, *self.clock.both_ns())
            return True

    def fault(self, line: dict[str, object], phase: PhaseName) -> None:
        """Note one step of one fault, and the phase that begins with it, if any does, at the same instant.

        Called from the conductor's threads. Once the load is over so are its phases, whatever is healed.
        """
        with self._lock:
            at_ns, at_unix_ns = self.clock.both_ns()
            if self.phase not in {phase, *_AFTER_LOAD}:
                self._begin(phase, at_ns, at_unix_ns)
            self._append("faults", {"at_ns": at_ns, **line})

    def ended(self, node: str, end: ProcessEnd) -> None:
        """Note that a process ended, at the time at which it did."""
        at_ns = end.at_monotonic_ns - self.clock.epoch_monotonic_ns
        with self._lock:
            self._append("ends", {"at_ns": at_ns, "node": node, "exit": end.exit})

    def _begin(self, phase: PhaseName, at_ns: int, at_unix_ns: int) -> None:
        self.phase = phase
        self._append("phases", {"at_ns": at_ns, "phase": phase, "at_unix_ns": at_unix_ns})

    def _append(self, name: str, line: dict[str, object]) -> None:
        append_jsonl(self.history / f"{name}.jsonl", line)
