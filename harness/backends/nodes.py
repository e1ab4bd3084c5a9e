"""Starts nodes, in parallel where dependencies allow, and waits until they work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.backends.instance import NodeTimes
from harness.backends.plan import PlannedNode
from harness.backends.protocol import NO_PREPARATION, Preparation
from harness.backends.runner import NodeRunner
from harness.base.errors import NodeFailed, WaitTimeout
from harness.base.report import Report
from harness.base.waiting import wait_until
from harness.services.protocol import Launch, NotReady, check_listening

_LOG_LINES: Final = 25
_LOG_TAIL_BYTES: Final = 16384


class Cancelled(Exception):
    """The wait for this node was cancelled because another failed. Never leaves the backend."""


class NodeStarter:
    """Starts the nodes of one platform."""

    def __init__(
        self,
        *,
        runner: NodeRunner,
        logs: Path,
        report: Report,
        preparation: Preparation = NO_PREPARATION,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prepared_env = preparation.env
        self._runner, self._logs, self._report, self._clock = runner, logs, report, clock
        self._launches: dict[str, Launch] = {}
        self._cancelled = threading.Event()

    def start_all(self, planned: tuple[PlannedNode, ...], *, timeout_s: float) -> dict[str, NodeTimes]:
        """Start each node as soon as its dependencies are ready. Raises the first ``NodeFailed``."""
        ready = {one.name: threading.Event() for one in planned}

        def bring_up(one: PlannedNode) -> tuple[str, NodeTimes]:
            for name in one.place.waits_for:
                self._await(ready[name])
            times = self.start(one, timeout_s=timeout_s)
            ready[one.name].set()
            return one.name, times

        pool = ThreadPoolExecutor(max_workers=len(planned), thread_name_prefix="start")
        pending = [pool.submit(bring_up, one) for one in planned]
        try:
            return dict(done.result() for done in as_completed(pending))
        except BaseException:
            self._cancelled.set()
            raise
        finally:
            # No need to wait: either all are done, or the others notice the cancellation.
            pool.shutdown(wait=False, cancel_futures=True)

    def start(self, one: PlannedNode, *, timeout_s: float) -> NodeTimes:
        """Start one node, with its data if it ran before, and wait until it is ready.

        Raises ``NodeFailed``.
        """
        launch = self._launches.get(one.name) or self._configure(one)
        began_s = self._clock()
        self._runner.run(one, launch)
        try:
            return self._wait(one, began_s, timeout_s)
        except WaitTimeout as error:
            raise self._failed(one.name, str(error)) from error

    def keep(self) -> Mapping[str, Mapping[Path, Path]]:
        """The files that each configured node leaves at a clean exit."""
        return {name: launch.keep for name, launch in self._launches.items()}

    def log(self, name: str) -> Path:
        """The node's log file."""
        return self._logs / f"{name}.log"

    def _configure(self, one: PlannedNode) -> Launch:
        launch = one.service.launch(one.node, one.cluster, one.needed)
        launch = replace(launch, env={**launch.env, **self._prepared_env.get(one.name, {})})
        self._runner.install(one, launch)
        self._launches[one.name] = launch
        return launch

    def _wait(self, one: PlannedNode, began_s: float, timeout_s: float) -> NodeTimes:
        seen = [""]

        def holds(check: Callable[[], None]) -> bool:
            self._check_alive(one.name)
            try:
                check()
            except NotReady as not_yet:
                seen[0] = str(not_yet)
                return False
            return True

        def wait(what: str, check: Callable[[], None]) -> float:
            remaining_s = timeout_s - (self._clock() - began_s)
            wait_until(
                lambda: holds(check),
                timeout_s=remaining_s,
                what=f"{one.name} {what}",
                last_seen=lambda: seen[0],
                poll_s=0.1,
            )
            return self._clock() - began_s

        listening_after_s = wait("to listen", lambda: check_listening(one.place.address, one.place.port))
        ready_after_s = wait("to work", lambda: one.service.check_ready(one.node, one.cluster))
        self._report(f"{one.name} ready after {ready_after_s:.1f} s")
        return NodeTimes(listening_after_s=listening_after_s, ready_after_s=ready_after_s)

    def _await(self, event: threading.Event) -> None:
        while not event.wait(0.1):
            self._check_cancelled()

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def _check_alive(self, name: str) -> None:
        self._check_cancelled()
        if ended := self._runner.ended(name):
            raise self._failed(name, f"its process ended {ended} during startup")

    def _failed(self, name: str, reason: str) -> NodeFailed:
        return NodeFailed(name, reason, self.log(name), log_tail(self.log(name)))


def log_tail(log: Path) -> str:
    """The last lines of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-_LOG_LINES:])
