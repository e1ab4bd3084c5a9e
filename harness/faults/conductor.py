"""Carries a schedule of faults out, records each step, and heals whatever is left broken, always."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from harness.backends.protocol import Platform, Report
from harness.errors import FloodmarkError
from harness.faults.protocol import Fault
from harness.faults.schedule import Action

Record = Callable[[dict[str, object]], None]
"""Takes one line of ``faults.jsonl`` without its ``at_ns``, and stamps it. Called from several threads."""


@dataclass(kw_only=True)
class Conductor:
    """Knows which faults are in force, from just before the injection until a heal has worked.

    Steps run in threads of their own, because a heal may take long (a database that starts again) while the
    next step of the schedule is due. What goes wrong is recorded and reported and does not end the run: the
    checks judge what became of it.
    """

    platform: Platform
    faults: Mapping[str, Fault]
    record: Record
    report: Report
    _in_force: dict[int, Action] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=16, thread_name_prefix="fault")
    )
    _steps: list[tuple[int, Future[None]]] = field(default_factory=list)
    _unforeseen: list[Exception] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Whether any fault is in force."""
        with self._lock:
            return bool(self._in_force)

    def begin(self, action: Action) -> None:
        """Start to inject or to heal, and return at once."""
        if action.action == "inject":
            with self._lock:
                self._in_force[action.number] = action
        # A heal never overtakes the injection that it mends, however slow that is.
        before = tuple(step for number, step in self._steps if number == action.number)
        self._steps.append((action.number, self._threads.submit(self._guarded, action, before)))

    def heal_all(self, *, wait_s: float | None = None) -> None:
        """End the schedule: heal every fault that is in force. Idempotent; what failed is tried again.

        Steps that have begun are waited for, but no longer than ``wait_s``. The first error that nobody
        foresaw is raised here, after everything was healed that can be; the others are its notes.
        """
        _, hanging = wait([step for _, step in self._steps], timeout=wait_s)
        if hanging:
            self.report(f"{len(hanging)} steps of faults still go on after {wait_s} s; healing all the same")
        with self._lock:
            left = tuple(self._in_force.values())
        for action in left:
            self._guarded(replace(action, action="heal"))
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._steps.clear()
        with self._lock:
            unforeseen, self._unforeseen = self._unforeseen, []
        for error in unforeseen[1:]:
            unforeseen[0].add_note(f"and then {type(error).__name__}: {error}")
        for error in unforeseen[:1]:
            raise error

    def _guarded(self, action: Action, before: tuple[Future[None], ...] = ()) -> None:
        """Perform a step; what nobody foresaw, such as a full disk, must keep no other from its heal."""
        try:
            self._perform(action, before)
        except Exception as error:  # noqa: BLE001 -- raised once all is healed
            self._foresaw_not(error)

    def _foresaw_not(self, error: Exception) -> None:
        with self._lock:
            self._unforeseen.append(error)

    def _perform(self, action: Action, before: tuple[Future[None], ...] = ()) -> None:
        wait(before)
        fault = self.faults[action.kind]
        if action.action == "inject":
            # Recovery time starts here, not when the injection has returned.
            self._note(action, problems=())
        problems = tuple(problem for node in action.targets if (problem := self._try(fault, action, node)))
        if action.action == "heal" or problems:
            self._note(action, problems=problems)
        if action.action == "heal" and not problems:
            with self._lock:
                self._in_force.pop(action.number, None)
        self.report(
            f"{action.action} {action.kind} {', '.join(action.targets)}: {'; '.join(problems) or 'done'}"
        )

    def _try(self, fault: Fault, action: Action, node: str) -> str:
        try:
            (fault.inject if action.action == "inject" else fault.heal)(self.platform, node)
        except FloodmarkError as error:
            return f"{node}: {error}"
        except Exception as error:  # noqa: BLE001 -- raised once all is healed
            self._foresaw_not(error)
            return f"{node}: {type(error).__name__}: {error}"
        return ""

    def _note(self, action: Action, *, problems: tuple[str, ...]) -> None:
        self.record(
            {
                "fault": action.number,
                "kind": action.kind,
                "action": action.action,
                "nodes": list(action.targets),
                "ok": not problems,
                "detail": "; ".join(problems),
            }
        )
