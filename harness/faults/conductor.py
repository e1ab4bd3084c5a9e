"""Carries a schedule of faults out, records each step, and heals whatever is left broken, always."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.backends.protocol import Platform, Report
from harness.errors import FloodmarkError
from harness.faults.protocol import Fault
from harness.faults.schedule import Action

Record = Callable[[dict[str, object]], None]
"""Takes one line of ``faults.jsonl`` without its ``at_ns``, and stamps it."""


@dataclass(kw_only=True)
class Conductor:
    """Knows which faults are in force. ``perform`` steps through the schedule; ``heal_all`` may be called at
    any moment, from any thread, any number of times.
    """

    platform: Platform
    faults: Mapping[str, Fault]
    record: Record
    report: Report
    _in_force: dict[int, Action] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def broken(self) -> bool:
        """Whether any fault is in force."""
        return bool(self._in_force)

    def perform(self, action: Action) -> None:
        """Inject or heal at every target. What goes wrong is recorded and reported, and does not end the run:
        the checks judge what became of it.
        """
        with self._lock:
            if action.action == "inject":
                self._in_force[action.number] = action
            elif self._in_force.pop(action.number, None) is None:
                return
            self._apply(action)

    def heal_all(self) -> None:
        """Heal every fault that is in force."""
        for broken in sorted(self._in_force.values(), key=lambda a: a.number):
            self.perform(
                Action(
                    at_s=broken.at_s,
                    number=broken.number,
                    action="heal",
                    kind=broken.kind,
                    targets=broken.targets,
                )
            )

    def _apply(self, action: Action) -> None:
        fault = self.faults[action.kind]
        act = fault.inject if action.action == "inject" else fault.heal
        # The moment before an injection is when recovery time starts; a heal counts once it worked.
        if action.action == "inject":
            self._note(action, ok=True, detail="")
        problems = _each(act, self.platform, action.targets)
        if action.action == "heal" or problems:
            self._note(action, ok=not problems, detail="; ".join(problems))
        outcome = "failed: " + "; ".join(problems) if problems else "done"
        self.report(f"{action.action} {action.kind} {', '.join(action.targets)}: {outcome}")

    def _note(self, action: Action, *, ok: bool, detail: str) -> None:
        self.record(
            {
                "fault": action.number,
                "kind": action.kind,
                "action": action.action,
                "nodes": list(action.targets),
                "ok": ok,
                "detail": detail,
            }
        )


def _each(act: Callable[[Platform, str], None], platform: Platform, nodes: Sequence[str]) -> tuple[str, ...]:
    problems = []
    for node in nodes:
        try:
            act(platform, node)
        except FloodmarkError as error:
            problems.append(f"{node}: {error}")
    return tuple(problems)
