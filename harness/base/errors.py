"""The errors that Floodmark raises deliberately, and the exit code of each.

FloodmarkError            exit 3    something that the user can act on; printed without a traceback
├── InvalidInput          exit 2    a scenario, topology, trace or option was refused; lists every problem
├── ArtifactError         exit 4    an engine's artifact could not be resolved or has the wrong digest
├── PlatformError         exit 4    the platform under test would not start, or could not be reached
│   └── NodeFailed                  one node did; carries its name and the last lines of its log
├── WaitTimeout           exit 4    a condition was not met in time; has the last state seen
├── DeployError           exit 4    the pipeline could not be deployed or undeployed
└── RunError              exit 3    a run cannot be judged: its history is missing or unreadable
    └── LoadFailed                  its load did not send everything; what was acknowledged is judged
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class FloodmarkError(Exception):
    """An error that the user can act on; the message has what, where, the value, and what to do."""

    exit_code = 3
    """Never 1, which means that a limit was missed: an error without its own exit code has judged nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an input: where it is, what was found, and what would be accepted."""

    where: str
    """File, and the field's dotted path in it: ``quickstart.yaml: load.time_scale``."""
    found: str
    """The offending value as the user wrote it, or ``missing``."""
    allowed: str
    """What would be accepted, as a phrase."""

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}; allowed: {self.allowed}"


class InvalidInput(FloodmarkError):
    """An input was refused before anything started. Holds every problem, not only the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        plural = "" if len(self.problems) == 1 else "s"
        super().__init__(
            f"{len(self.problems)} problem{plural}:\n" + "\n".join(f"  - {p}" for p in self.problems)
        )


class ArtifactError(FloodmarkError):
    """An engine's artifact could not be resolved, or its digest is not the one in the lock."""

    exit_code = 4


class PlatformError(FloodmarkError):
    """The platform under test would not start, or could not be reached."""

    exit_code = 4


class NodeFailed(PlatformError):
    """One node did not start, or died when it should not have."""

    def __init__(self, node: str, reason: str, log: Path | None = None, log_tail: str = "") -> None:
        self.node, self.reason, self.log, self.log_tail = node, reason, log, log_tail
        where = f"\nlast lines of {log}:\n{log_tail}" if log else ""
        super().__init__(f"{node}: {reason}{where}")


class WaitTimeout(FloodmarkError):
    """A condition was not met in time."""

    exit_code = 4

    def __init__(self, what: str, timeout_s: float, last_seen: str, hint: str = "") -> None:
        self.what, self.timeout_s, self.last_seen = what, timeout_s, last_seen
        super().__init__(
            f"waited {timeout_s:g} s for {what}; last seen: {last_seen}" + (f"; {hint}" if hint else "")
        )


class DeployError(FloodmarkError):
    """The pipeline could not be deployed or undeployed."""

    exit_code = 4


class RunError(FloodmarkError):
    """A run cannot be judged: its history is missing or unreadable."""

    exit_code = 3


class LoadFailed(RunError):
    """The load died, failed or did not end: the harness's failure, and no evidence against the platform."""


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its type if the message is empty."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def how_ended(code: int) -> str:
    """How a process ended, such as ``by SIGKILL``; ``code`` is its exit code, or minus the signal."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"by signal {-code}"
