"""Formats figures for people, on the page and on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.quality.result import Outcome, State

_THOUSAND: Final = 1000
ORDER: Final[dict[State, int]] = {"failed": 0, "not_evaluated": 1, "passed": 2, "not_applicable": 3}


def ordered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Sort outcomes by urgency, errors before warnings."""
    return sorted(outcomes, key=lambda o: (ORDER[o.state], o.severity))


def observed(outcome: Outcome) -> str:
    """Format what was observed with its unit: ``2.45 %``; a dash for nothing."""
    return "–" if outcome.observed is None else f"{number(outcome.observed)} {outcome.unit}"  # noqa: RUF001


def number(value: float) -> str:
    """Format a number with no more digits than people read."""
    if value == int(value) or abs(value) >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{value:,.3g}"
