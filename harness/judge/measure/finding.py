"""Findings: the result of comparing a measurement with a limit, and the examples that it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.evidence import Evidence

WHOLE_RUN: Final = "whole run"
"""In place of a phase, where a finding belongs to none in particular."""
MAX_EXAMPLES: Final = 5
"""How many offending items a finding shows."""


class Verdict(StrEnum):
    """The worst finding wins: FAIL over INCONCLUSIVE over PASS. No run's verdict is WAIVED."""

    PASS = "PASS"  # noqa: S105 -- a verdict, not a password
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    WAIVED = "WAIVED"
    """The scenario says, with a reason, that this limit does not hold: neither met nor broken."""


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


def examples(
    history: History, query: str, describe: Callable[[Mapping[str, Any]], str], **parameters: object
) -> tuple[str, ...]:
    """Describe each row that ``query`` finds; the query must apply ``$limit``."""
    return tuple(describe(row) for row in history.rows(query, {"limit": MAX_EXAMPLES, **parameters}))
