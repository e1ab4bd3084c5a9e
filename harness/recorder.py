"""Writes the course of a run as it happens: its phases, its faults, and at last how it ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from harness.history.course import PhaseName
from harness.history.writer import append_jsonl
from harness.run_clock import RunClock


@dataclass(kw_only=True)
class Recorder:
    """Stamps each line with the run's clock, in the order in which the lines are written."""

    history: Path
    clock: RunClock
    phase: PhaseName | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, phase: PhaseName) -> bool:
        """Note that a phase begins; True unless it was already in force."""
        if phase == self.phase:
            return False
        self.phase = phase
        self._append("phases", {"phase": phase})
        return True

    def fault(self, line: dict[str, object]) -> None:
        """Note one step of one fault. Called from the threads of the conductor."""
        self._append("faults", line)

    def _append(self, name: str, line: dict[str, object]) -> None:
        with self._lock:
            append_jsonl(self.history / f"{name}.jsonl", {"at_ns": self.clock.now_ns(), **line})
