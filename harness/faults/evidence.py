"""What a run's record must show of each target, because a fault is not believed on its own word."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.history.course import FOREVER_NS, EndLine, FaultSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A pure test of the record, and how to say that the record does not pass it."""

    shown: Callable[[FaultSpan, Sequence[EndLine], str], bool]
    """Given a fault, every end of a process in the run, and the name of a target."""
    lacking: str
    """Follows "the record"; ``{nodes}`` stands for the targets of which nothing is shown."""


def _was_killed(fault: FaultSpan, ends: Sequence[EndLine], node: str) -> bool:
    until_ns = FOREVER_NS if fault.heal_ns is None else fault.heal_ns
    return any(
        end.node == node and end.exit == -signal.SIGKILL and fault.inject_ns <= end.at_ns <= until_ns
        for end in ends
    )


def _stood_still(fault: FaultSpan, ends: Sequence[EndLine], node: str) -> bool:
    """It may also have been killed meanwhile, by another fault or the kernel: it did no more work."""
    injected, *later = [states.get(node) for states in fault.states] or [None]
    return injected == "paused" and bool(later) and all(state in {"paused", "ended"} for state in later)


KILLED: Final = Evidence(shown=_was_killed, lacking="has no end by SIGKILL of {nodes} before the heal")
PAUSED: Final = Evidence(shown=_stood_still, lacking="does not show that {nodes} stood still until the heal")
