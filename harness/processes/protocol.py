"""What the rest of the harness sees of processes that run on this machine, beside the platform's nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Action = Literal["kill", "pause", "resume"]

State = Literal["starting", "ready", "running", "paused", "dead", "stopped"]
"""The first two are states of nodes only. Dead means ended badly, stopped means ended in order."""

ProcessState = Literal["running", "paused", "ended", "unknown"]
"""What the kernel says about a process, whatever it was asked to do; unknown where it could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """One end of a process, by itself or by a signal."""

    at_monotonic_ns: int
    """On this machine's monotonic clock; a backend elsewhere translates its own clock to it."""
    exit: int
    """The exit code, or minus the signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One row of ``floodmark status``."""

    name: str
    state: State
    pid: int | None
    """None unless it runs on this machine."""
    memory_bytes: int
    cpu_s: float
    """Processor time since the process started."""
    ends: tuple[ProcessEnd, ...] = ()
    """Every end so far, oldest first; the process may have been started again since."""


class Processes(Protocol):
    """The harness's and the pipeline's own processes: the same on every backend.

    Every method but ``spawn`` raises ``PlatformError`` for a name that was never spawned.
    """

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Start a process. It never outlives the platform, not even if the harness is killed."""
        ...

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume a process and its children; as ``Targets.signal``."""
        ...

    def process_state(self, name: str) -> ProcessState:
        """As the kernel reports it."""
        ...

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Spawn a process that has ended again, as it was. A no-op while it runs."""
        ...

    def status(self) -> tuple[ProcessStatus, ...]:
        """Every process that was spawned, in the order of their first start."""
        ...

    def stop(self) -> None:
        """Stop every process, first politely. Idempotent."""
        ...
