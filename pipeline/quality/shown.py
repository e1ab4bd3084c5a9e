"""How figures are written for people, on the page and on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.quality.result import Outcome, State

_THOUSAND: Final = 1000
ORDER: Final[dict[State, int]] = {"failed": 0, "not_evaluated": 1, "passed": 2, "not_applicable": 3}


def ordered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """What is to be looked at first comes first; errors before warnings."""
    return sorted(outcomes, key=lambda o: (ORDER[o.state], o.severity))


def observed(outcome: Outcome) -> str:
    """With its unit: ``2.45 %``; a dash for nothing."""
    return "–" if outcome.observed is None else f"{number(outcome.observed)} {outcome.unit}"  # noqa: RUF001


def number(value: float) -> str:
    """For people: no more digits than they read."""
    if value == int(value) or abs(value) >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{value:,.3g}"
