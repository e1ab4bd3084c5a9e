"""What a check says: a measurement, then a finding once a limit was held against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.judge.measure.evidence import Evidence

WHOLE_RUN: Final = "whole run"
"""Stands for the phase of what is of no single one."""


class Verdict(StrEnum):
    """The worst finding wins: FAIL over INCONCLUSIVE over PASS. No run's verdict is WAIVED."""

    PASS = "PASS"  # noqa: S105 -- a verdict, not a password
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    WAIVED = "WAIVED"
    """The scenario says, with a reason, that this limit does not hold: neither kept nor broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table: a check's observation against one limit.

    ``observed`` is in ``unit``; None when it could not be observed, which is never PASS. ``limit`` is the
    threshold as the user wrote it. ``detail`` is one sentence; ``examples`` a few offending items.
    """

    name: str
    verdict: Verdict
    observed: float | None
    limit: str
    unit: str
    phase: str
    evidence: Evidence
    detail: str = ""
    examples: tuple[str, ...] = ()
