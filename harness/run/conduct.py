"""The loop of a run during its load: enters phases, injects faults when due, and reports progress."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.base.errors import LoadFailed, RunError
from harness.base.report import Report
from harness.faults.conductor import Conductor
from harness.faults.schedule import Action
from harness.history.progress import LoadProgress
from harness.run.recorder import Recorder
from harness.scenario.phases import PhaseName

_TICK_S: Final = 0.05
_REPORT_EVERY_S: Final = 5.0
_ALIVE_EVERY_S: Final = 1.0
"""Listing the processes reads each one's resource usage, which is too slow for every turn of the loop."""
_STEADY_LEAD_S: Final = 1.5
"""How long before the first fault the steady state is judged, which takes a moment."""


@dataclass(kw_only=True)
class Conduct:
    """One pass over a schedule of faults. It sees and acts only through what it is given."""

    conductor: Conductor
    recorder: Recorder
    warm_up_s: float
    since_load_start_s: Callable[[], float]
    progress: Callable[[], LoadProgress | None]
    load_alive: Callable[[], bool]
    give_up_after_s: float
    """A load that is not done this long after its start never will be."""
    why_not_steady: Callable[[], str]
    """Why the platform is not steady; "" when it is."""
    report: Report
    last_words: Callable[[], str] = lambda: ""
    """What the load logged as wrong; "" when it logged nothing."""
    sleep: Callable[[float], None] = time.sleep
    _reported_s: float = field(default=-_REPORT_EVERY_S)
    _seen_alive_s: float = field(default=-_ALIVE_EVERY_S)
    _reported_phase: PhaseName | None = None
    _injected: bool = False

    def follow(self, steps: Sequence[Action]) -> None:
        """Return once the load is done and every step has begun.

        Raises ``RunError`` when the platform is not steady before the first fault, and ``LoadFailed`` when
        the load died, failed or does not end.
        """
        due = deque(steps)
        judge_at_s = min((s.at_s for s in steps), default=float("inf")) - _STEADY_LEAD_S
        judged = False
        while True:
            now_s = self.since_load_start_s()
            if self._load_done(now_s) and not due:
                return
            if not judged and now_s >= judge_at_s:
                self._require_steady()
                judged = True
            while due and due[0].at_s <= now_s:
                self._injected |= due[0].action == "inject"
                self.conductor.begin(due.popleft())
            self._enter_phase(now_s)
            self._report_progress(now_s)
            self.sleep(_TICK_S)

    def _require_steady(self) -> None:
        if why := self.why_not_steady():
            raise RunError(f"nothing was broken, because the platform was not steady before: {why}")

    def _load_done(self, now_s: float) -> bool:
        if self._is_done():
            return True
        if now_s - self._seen_alive_s < _ALIVE_EVERY_S:
            return False
        self._seen_alive_s = now_s
        # It may have ended in the meantime.
        alive = self.load_alive()
        if self._is_done():
            return True
        if alive and now_s > self.give_up_after_s:
            raise LoadFailed(f"the load lives {now_s:.0f} s after its start and is not done: {self._sent()}")
        if alive:
            return False
        raise LoadFailed(f"the load died before everything was sent: {self._why()}")

    def _is_done(self) -> bool:
        progress = self.progress()
        if progress is not None and progress.state == "failed":
            raise LoadFailed(f"the load failed, {progress.extent}: {self._why()}")
        return progress is not None and progress.state == "done"

    def _why(self) -> str:
        return self.last_words() or "its log may say why"

    def _sent(self) -> str:
        progress = self.progress()
        if progress is None:
            return "it never reported any progress; its log may say why"
        return f"{progress.state}, {progress.extent}; its log may say why"

    def _enter_phase(self, now_s: float) -> None:
        """From the first injection on, phases are recorded with the faults that begin them."""
        if now_s >= 0 and not self._injected:
            self.recorder.enter("warm_up" if now_s < self.warm_up_s else "steady")
        if self.recorder.phase != self._reported_phase:
            self._reported_phase = self.recorder.phase
            self.report(f"phase {self._reported_phase}")

    def _report_progress(self, now_s: float) -> None:
        if now_s - self._reported_s < _REPORT_EVERY_S:
            return
        self._reported_s = now_s
        if (p := self.progress()) is not None and p.state != "waiting":
            behind = f", {p.behind_ms / 1000:.1f} s behind" if p.behind_ms > 1000 else ""  # noqa: PLR2004
            share = f"{p.sent / p.total:4.0%}  " if p.total else ""
            self.report(f"{share}{p.extent}, {p.acknowledged:,} acknowledged{behind}")
