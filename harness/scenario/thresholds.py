"""The threshold grammar: ``aggregate operator limit [during phase,phase]``.

``p(99) < 500ms`` · ``rate >= 50000/s`` · ``count == 0`` · ``max < 15m during fault,recovery`` ·
``p(99) < 1.1 * baseline``. A limit carries the unit that its check measures in; a bare number where a unit
belongs is refused, as is a unit where none belongs, so that a misspelt threshold never passes.
"""

from __future__ import annotations

import math
import operator as operators
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from harness.history.course import PHASES
from harness.units import DURATION_UNITS_S, NUMBER

_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        "<": operators.lt,
        "<=": operators.le,
        ">": operators.gt,
        ">=": operators.ge,
        "==": operators.eq,
        "!=": operators.ne,
    }
)
_MS_IN_S: Final = 0.001
_UNITS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        # A check's unit, and the units in which its limits may be written, each in the check's own.
        "ms": {unit: seconds / _MS_IN_S for unit, seconds in DURATION_UNITS_S.items()},
        "s": DURATION_UNITS_S,
        "1/s": {"/s": 1.0},
        "%": {"%": 1.0},
        "": {"": 1.0},
    }
)
_GRAMMAR: Final = re.compile(
    r"(?P<aggregate>[a-z_]{1,32}|p\s?\(\s?(?P<percentile>[0-9]{1,3}(?:\.[0-9]{1,6})?)\s?\))"
    r"\s*(?P<operator><=|>=|==|!=|<|>)"
    rf"\s*(?:(?P<factor>{NUMBER})\s*\*\s*baseline|(?P<number>-?{NUMBER})\s?(?P<unit>[a-z/%]{{0,3}}))"
    r"(?:\s+during\s+(?P<phases>[a-z_]+(?:\s*,\s*[a-z_]+)*))?"
)
_EXAMPLES: Final = "p(99) < 500ms, count == 0, max < 15m during fault,recovery, or p(99) < 1.1 * baseline"
_TEXT_LIMIT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One limit. Two thresholds are equal when they mean the same, however they were written."""

    aggregate: str
    """``count``, ``max``, ``rate``, ``mean`` or a percentile, ``p(99)``."""
    operator: str
    limit: float | None
    """In ``unit``; None when the limit is relative to a baseline."""
    unit: str
    """The check's own: ``ms``, ``s``, ``1/s``, ``%``, or "" for a count."""
    phases: tuple[str, ...] = ()
    """In which it holds; empty for the whole run."""
    baseline_factor: float | None = None
    """The limit is this much of the baseline."""
    text: str = field(default="", compare=False)
    """As the user wrote it."""

    @property
    def percentile(self) -> float | None:
        """99.0 for ``p(99)``; None for other aggregates."""
        return float(self.aggregate[2:-1]) if self.aggregate.startswith("p(") else None

    def holds(self, observed: float, baseline: float | None = None) -> bool:
        """Whether the observation keeps the limit. NaN never does, nor does a baseline that is not there."""
        limit = self.limit
        if self.baseline_factor is not None and baseline is not None:
            limit = self.baseline_factor * baseline
        if limit is None or math.isnan(observed) or math.isnan(limit):
            return False
        return _OPERATORS[self.operator](observed, limit)

    def __str__(self) -> str:
        """In the grammar, with the limit in the check's own unit."""
        if self.limit is not None:
            limit = _positional(self.limit) + ("/s" if self.unit == "1/s" else self.unit)
        else:
            limit = f"{_positional(self.baseline_factor or 0.0)} * baseline"
        during = f" during {','.join(self.phases)}" if self.phases else ""
        return f"{self.aggregate} {self.operator} {limit}{during}"


def parse(text: str, *, unit: str, aggregates: Collection[str] | None = None) -> Threshold:
    """Read a threshold for a check that measures in ``unit`` and gives ``aggregates`` (None: any).

    A check that gives any percentile gives all of them. Raises ValueError that says what is allowed.
    """
    match = _GRAMMAR.fullmatch(text.strip()) if len(text) <= _TEXT_LIMIT else None
    if match is None:
        raise ValueError(f"an aggregate, a comparison and a limit, such as {_EXAMPLES}")
    aggregate = _aggregate(match, aggregates)
    limit = None if match["number"] is None else _limit(match["number"], match["unit"], unit)
    factor = None if match["factor"] is None else float(match["factor"])
    return Threshold(
        aggregate=aggregate,
        operator=match["operator"],
        limit=limit,
        unit=unit,
        phases=_phases(match["phases"]),
        baseline_factor=factor,
        text=text,
    )


def _aggregate(match: re.Match[str], aggregates: Collection[str] | None) -> str:
    percentile = match["percentile"]
    if percentile is not None and not 0 <= float(percentile) <= 100:  # noqa: PLR2004 -- a percentile's own range
        raise ValueError("a percentile from p(0) to p(100)")
    aggregate = match["aggregate"] if percentile is None else f"p({_positional(float(percentile))})"
    if aggregates is None or aggregate in aggregates:
        return aggregate
    if percentile is not None and any(known.startswith("p(") for known in aggregates):
        return aggregate
    raise ValueError(f"an aggregate that this check gives: {_listed(aggregates)}")


def _limit(number: str, written: str, unit: str) -> float:
    factors = _UNITS[unit]
    if written not in factors:
        units = " or ".join(factors) if unit else "no unit"
        raise ValueError(f"a limit in the check's unit ({units})")
    return float(number) * factors[written]


def _phases(text: str | None) -> tuple[str, ...]:
    phases = tuple(re.split(r"\s*,\s*", text)) if text else ()
    if not set(phases) <= set(PHASES):
        raise ValueError(f"phases out of {', '.join(PHASES)}")
    if len(set(phases)) != len(phases):
        raise ValueError("each phase once")
    return phases


def _listed(aggregates: Collection[str]) -> str:
    percentiles = any(known.startswith("p(") for known in aggregates)
    others = sorted(known for known in aggregates if not known.startswith("p("))
    return ", ".join([*others, *(["p(N)"] if percentiles else [])])


def _positional(number: float) -> str:
    """The shortest decimal that reads back as the same float, without an exponent and a trailing ``.0``."""
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")
