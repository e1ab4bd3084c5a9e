"""Executes a schedule of faults, records each step, and always heals whatever is left broken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from harness.backends.targets import Targets
from harness.base.errors import FloodmarkError
from harness.base.report import Report
from harness.faults.schedule import Action
from harness.scenario.faults import Target, parameters_of
from harness.scenario.phases import PhaseName

_THREADS: Final = 64
"""For steps that wait and steps that work: a heal takes up to a minute and must not delay other steps."""


class Record(Protocol):
    """Stamps one line of ``faults.jsonl`` and writes it. Called from several threads."""

    def __call__(self, line: dict[str, object], phase: PhaseName) -> None:
        """``phase`` is the one that the run is in from this line on."""
        ...


@dataclass(kw_only=True)
class Conductor:
    """Knows which faults are in force, from just before the injection until a heal has worked.

    Steps run in threads of their own, because a heal may take long (a database that starts again) while the
    next step of the schedule is due. So does each target of a step: a zone goes down at once, not node by
    node. What goes wrong is recorded and reported but does not end the run; the checks judge the outcome.
    """

    platform: Targets
    record: Record
    report: Report
    _in_force: dict[int, Action] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="fault")
    )
    _steps: list[tuple[int, Future[None]]] = field(default_factory=list)
    _unexpected: list[Exception] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Whether any fault is in force."""
        with self._lock:
            return bool(self._in_force)

    def begin(self, action: Action) -> None:
        """Start to inject or to heal, and return at once.

        An injection is on record when this returns: recovery time starts here, not when it has worked. Raises
        what ``record`` raises.
        """
        if action.action == "inject":
            with self._lock:
                self._in_force[action.number] = action
                self._note(action, problems=())
        # A heal never overtakes its own injection, however slow that is.
        before = [step for number, step in self._steps if number == action.number]
        self._steps.append((action.number, self._start(self._threads, action, before)))

    def heal_all(self, *, wait_s: float | None = None) -> None:
        """End the schedule: heal every fault that is in force. Idempotent; what failed is tried again.

        Steps that have begun are waited for, but no longer than ``wait_s``. The first unexpected error is
        raised here, once everything that can be healed has been; the others are added to it as notes.
        """
        _, hanging = wait([step for _, step in self._steps], timeout=wait_s)
        if hanging:
            self.report(
                f"{len(hanging)} steps of faults are still under way after {wait_s} s; healing anyway"
            )
        with self._lock:
            left = tuple(self._in_force.values())
        self._heal(left)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._steps.clear()
        with self._lock:
            unexpected, self._unexpected = self._unexpected, []
        for error in unexpected[1:]:
            unexpected[0].add_note(f"and then {type(error).__name__}: {error}")
        for error in unexpected[:1]:
            raise error

    def _heal(self, left: Sequence[Action]) -> None:
        """In threads that no hanging step occupies. Two faults of one node are healed one after the other."""
        begun: list[tuple[Action, Future[None]]] = []
        with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="fault") as threads:
            for action in left:
                before = [step for other, step in begun if set(other.nodes) & set(action.nodes)]
                begun.append((action, self._start(threads, replace(action, action="heal"), before)))

    def _start(
        self, threads: ThreadPoolExecutor, action: Action, before: Sequence[Future[None]]
    ) -> Future[None]:
        """Begin a step after others. All of those have threads already, so the wait cannot deadlock."""
        if action.action == "heal":
            before = [threads.submit(self._guarded, lambda: self._look(action), before)]
        tries = [threads.submit(self._try, action, target, before) for target in action.targets]
        return threads.submit(self._guarded, lambda: self._finish(action, tries), tries)

    def _guarded(self, work: Callable[[], None], before: Sequence[Future[Any]]) -> None:
        """Do a part of a step; an unexpected error must not prevent other faults from healing."""
        wait(before)
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- raised once all is healed
            self._record_unexpected(error)

    def _record_unexpected(self, error: Exception) -> None:
        with self._lock:
            self._unexpected.append(error)

    def _try(self, action: Action, target: Target, before: Sequence[Future[None]]) -> str:
        """Break or heal one target. Returns what went wrong; "" when nothing did."""
        wait(before)
        step = action.fault.inject if action.action == "inject" else action.fault.heal
        try:
            step(self.platform, target)
        except FloodmarkError as error:
            return f"{target}: {error}"
        except Exception as error:  # noqa: BLE001 -- raised once all is healed
            self._record_unexpected(error)
            return f"{target}: {type(error).__name__}: {error}"
        return ""

    def _finish(self, action: Action, tries: Sequence[Future[str]]) -> None:
        problems = tuple(problem for one in tries if (problem := one.result()))
        if action.action == "inject":
            self._look(action)
        if action.action == "heal" or problems:
            with self._lock:
                self._note(action, problems=problems)
                if not problems:
                    self._in_force.pop(action.number, None)
        self.report(
            f"{action.action} {action.fault.kind} {', '.join(action.nodes)}: {'; '.join(problems) or 'done'}"
        )

    def _look(self, action: Action) -> None:
        """Record the state of each target, so that the fault need not be believed on its own word."""
        states = {node: self._state(action, node) for node in action.nodes}
        with self._lock:
            self._note(replace(action, action="look"), problems=(), states=states)

    def _state(self, action: Action, node: str) -> str:
        try:
            return action.fault.look(self.platform, node)
        except FloodmarkError:
            return "unknown"

    def _note(
        self, action: Action, *, problems: tuple[str, ...], states: Mapping[str, str] | None = None
    ) -> None:
        """Record a line. Called with the lock held, so that lines and phases have one order."""
        parameters = parameters_of(action.fault)
        healed = {action.number} if action.action == "heal" and not problems else set[int]()
        self.record(
            {
                "fault": action.number,
                "kind": action.fault.kind,
                "action": action.action,
                "nodes": list(action.nodes),
                "ok": not problems,
                "detail": "; ".join(problems),
                **({"parameters": parameters} if parameters else {}),
                **({"states": {**states}} if states is not None else {}),
            },
            "fault" if self._in_force.keys() - healed else "recovery",
        )
