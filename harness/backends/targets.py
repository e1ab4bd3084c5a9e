"""Targets of faults, by name: the platform's nodes, and the processes beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.backends.protocol import Platform
from harness.base.errors import PlatformError
from harness.processes.protocol import Action, ProcessState, ProcessStatus


class Targets(Protocol):
    """Nodes or processes that can be broken and healed. An unknown name raises ``PlatformError``."""

    def signal(self, name: str, action: Action) -> None:
        """Kill (SIGKILL), pause (SIGSTOP) or resume (SIGCONT) the target and its children.

        Returns once it is dead or paused. Raises ``PlatformError`` if that fails, for example because it was
        already dead. Resuming a target that is dead or not paused is a no-op.
        """
        ...

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Restart a dead target with its data, and wait until it works. A no-op while it runs."""
        ...

    def process_state(self, name: str) -> ProcessState:
        """Whether the target is running, paused, or ended with all its children."""
        ...


@dataclass(frozen=True, slots=True)
class AllTargets:
    """The nodes of a platform and the processes beside them."""

    platform: Platform

    def signal(self, name: str, action: Action) -> None:
        """As ``Targets``."""
        self._holder(name).signal(name, action)

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """As ``Targets``."""
        self._holder(name).start(name, timeout_s=timeout_s)

    def process_state(self, name: str) -> ProcessState:
        """As ``Targets``."""
        return self._holder(name).process_state(name)

    def status(self) -> Sequence[ProcessStatus]:
        """All nodes in topology order, then all processes."""
        return (*self.platform.status(), *self.platform.processes.status())

    def _holder(self, name: str) -> Targets:
        if name in self.platform.nodes:
            return self.platform
        names = [one.name for one in self.platform.processes.status()]
        if name not in names:
            known = ", ".join((*self.platform.nodes, *names))
            raise PlatformError(f"unknown target {name!r}; known: {known}")
        return self.platform.processes
