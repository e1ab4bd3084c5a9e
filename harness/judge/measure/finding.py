"""What a check says: a measurement, then a finding once a limit was held against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The worst finding wins: FAIL over INCONCLUSIVE over PASS."""

    PASS = "PASS"  # noqa: S105 -- a verdict, not a password
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table: a check's observation against one limit.

    ``observed`` is in ``unit``; None when it could not be observed, which is never PASS. ``limit`` is the
    threshold as the user wrote it. ``evidence`` says how the figure was obtained ("measured: process
    backend, 3 brokers, 336,776 events"). ``detail`` is one sentence; ``examples`` a few offending items.
    """

    name: str
    verdict: Verdict
    observed: float | None
    limit: str
    unit: str
    phase: str
    evidence: str
    detail: str = ""
    examples: tuple[str, ...] = ()
