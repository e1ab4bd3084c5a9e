"""Runs a schedule of faults, records each step, and always heals what is still broken at the end."""

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
"""Enough for waiting and working steps: a heal takes up to a minute and must not delay others."""


class Record(Protocol):
    """Stamps one line of ``faults.jsonl`` and writes it. Called from several threads."""

    def __call__(self, line: dict[str, object], phase: PhaseName) -> None:
        """``phase`` is the run's phase from this line on."""
        ...


@dataclass(kw_only=True)
class Conductor:
    """Runs steps and tracks the faults in force, from just before the injection until a heal has worked.

    Each step runs in its own thread, because a heal may take long (a database restarting) while the next step
    is due. So does each target of a step: a zone goes down at once, not node by node. Problems are recorded
    and reported but do not end the run; the checks judge the outcome.
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
        """Start injecting or healing, and return at once.

        An injection is recorded before this returns: recovery time starts here, not when the injection has
        worked. Raises what ``record`` raises.
        """
        if action.action == "inject":
            with self._lock:
                self._in_force[action.number] = action
                self._note(action, problems=())
        # A heal never overtakes its own injection, however slow.
        before = [step for number, step in self._steps if number == action.number]
        self._steps.append((action.number, self._start(self._threads, action, before)))

    def heal_all(self, *, wait_s: float | None = None) -> None:
        """End the schedule: heal every fault in force. Idempotent; failed heals are tried again.

        Waits at most ``wait_s`` for steps under way. Raises the first unexpected error, with the others as
        its notes, once everything that can be healed has been.
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
        """Heal in new threads, since steps may hang. Faults that share a node heal in sequence."""
        begun: list[tuple[Action, Future[None]]] = []
        with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="fault") as threads:
            for action in left:
                before = [step for other, step in begun if set(other.nodes) & set(action.nodes)]
                begun.append((action, self._start(threads, replace(action, action="heal"), before)))

    def _start(
        self, threads: ThreadPoolExecutor, action: Action, before: Sequence[Future[None]]
    ) -> Future[None]:
        """Start a step that waits for others. Those all have threads already, so the wait cannot deadlock."""
        if action.action == "heal":
            before = [threads.submit(self._guarded, lambda: self._record_states(action), before)]
        tries = [threads.submit(self._try, action, target, before) for target in action.targets]
        return threads.submit(self._guarded, lambda: self._finish(action, tries), tries)

    def _guarded(self, work: Callable[[], None], before: Sequence[Future[Any]]) -> None:
        """Do part of a step; an unexpected error must not prevent other faults from healing."""
        wait(before)
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- raised once all is healed
            self._record_unexpected(error)

    def _record_unexpected(self, error: Exception) -> None:
        with self._lock:
            self._unexpected.append(error)

    def _try(self, action: Action, target: Target, before: Sequence[Future[None]]) -> str:
        """Break or heal one target. Return what went wrong, or ""."""
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
            self._record_states(action)
        if action.action == "heal" or problems:
            with self._lock:
                self._note(action, problems=problems)
                if not problems:
                    self._in_force.pop(action.number, None)
        self.report(
            f"{action.action} {action.fault.kind} {', '.join(action.nodes)}: {'; '.join(problems) or 'done'}"
        )

    def _record_states(self, action: Action) -> None:
        """Record the state of each target as independent evidence of the fault."""
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
        """Record a line. The caller holds the lock, so that lines and phases have one order."""
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
