"""The threshold grammar: ``aggregate operator limit [during phase,phase]``.

``p(99) < 500ms`` · ``rate >= 50k/s`` · ``count == 0`` · ``max < 15m during fault,recovery``. A limit carries
the unit of its check; a missing or superfluous unit is rejected, so that a misspelt threshold never passes.
A count covers the whole run and has neither unit nor phases. ``avg``, ``med`` and ``===`` are k6's words for
``mean``, ``p(50)`` and ``==``.
"""

from __future__ import annotations

import math
import operator as operators
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from harness.base.units import DURATION_UNITS_S, RATE_UNITS_PER_S
from harness.scenario.phases import PHASES

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
        # For each check's unit, the units accepted in its limits, as factors.
        "ms": {unit: seconds / _MS_IN_S for unit, seconds in DURATION_UNITS_S.items()},
        "s": DURATION_UNITS_S,
        "1/s": RATE_UNITS_PER_S,
        "%": {"%": 1.0},
        "": {"": 1.0},
    }
)
_OF_K6: Final[Mapping[str, str]] = MappingProxyType({"avg": "mean", "med": "p(50)", "===": "=="})
_NUMBER: Final = r"(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?"
_GRAMMAR: Final = re.compile(
    r"(?P<aggregate>[a-z_]{1,32}|p\s?\(\s?(?P<percentile>[0-9]{1,3}(?:\.[0-9]{1,6})?)\s?\))"
    r"\s*(?P<operator><=|>=|===?|!=|<|>)"
    rf"\s*(?P<number>-?{_NUMBER})\s?(?:(?P<unit>[a-zA-Z/%]{{0,3}})|(?P<baseline>\*\s*baseline))"
    r"(?:\s+during\s+(?P<phases>[a-z_]+(?:\s*,\s*[a-z_]+)*))?"
)
_EXAMPLES: Final = "p(99) < 500ms, rate >= 50k/s, count == 0, or max < 15m during fault,recovery"
_TEXT_LIMIT: Final = 200
_DIGITS_MAX: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One limit. Thresholds with the same meaning are equal, however they were written."""

    aggregate: str
    """``count``, ``max``, ``rate``, ``mean`` or a percentile, ``p(99)``."""
    operator: str
    limit: float
    """In ``unit``; with ``of_baseline``, a multiple of the baseline's figure."""
    unit: str
    """The check's own: ``ms``, ``s``, ``1/s``, ``%``; "" for a count."""
    phases: tuple[str, ...] = ()
    """Phases in which it applies; empty for the whole run."""
    of_baseline: bool = False
    """Whether the limit is a multiple of another run's figure."""
    text: str = field(default="", compare=False)
    """The user's text."""

    @property
    def is_count(self) -> bool:
        """Whether it limits a count instead of a measured value."""
        return self.aggregate == "count"

    @property
    def percentile(self) -> float | None:
        """99.0 for ``p(99)``; None for other aggregates."""
        return float(self.aggregate[2:-1]) if self.aggregate.startswith("p(") else None

    def holds(self, observed: float) -> bool:
        """Whether the observation meets the limit; NaN and infinity never do.

        Raises ValueError for a multiple of a baseline whose figure is not known.
        """
        if self.of_baseline:
            raise ValueError(
                "a multiple of a baseline cannot be checked before the baseline's figure is known"
            )
        return math.isfinite(observed) and _OPERATORS[self.operator](observed, self.limit)

    def times(self, figure: float) -> Threshold:
        """The limit as a figure, given the baseline's."""
        return replace(self, limit=self.limit * figure, of_baseline=False)

    def __str__(self) -> str:
        """The threshold in the grammar, with the limit in the check's unit."""
        unit = "/s" if self.unit == "1/s" else self.unit
        during = f" during {','.join(self.phases)}" if self.phases else ""
        limit = (
            f"{_shortest(self.limit)} * baseline" if self.of_baseline else f"{_shortest(self.limit)}{unit}"
        )
        return f"{self.aggregate} {self.operator} {limit}{during}"


def parse(
    text: str, *, unit: str, aggregates: Collection[str] | None = None, with_baseline: bool = False
) -> Threshold:
    """Parse a threshold for a check that measures in ``unit`` and provides ``aggregates`` (None: any).

    A check that provides one percentile provides all. Multiples of a baseline are allowed only
    ``with_baseline``. Raises ValueError with what is allowed.
    """
    match = _GRAMMAR.fullmatch(text.strip()) if len(text) <= _TEXT_LIMIT else None
    if match is None:
        raise ValueError(f"an aggregate, a comparison and a limit, such as {_EXAMPLES}")
    of_baseline = match["baseline"] is not None
    if of_baseline and not with_baseline:
        raise ValueError(f"a limit without a baseline, such as {_EXAMPLES}: there is no baseline here")
    aggregate = _aggregate(match, aggregates)
    phases = _phases(match["phases"])
    if aggregate == "count":
        unit = ""
        if phases:
            raise ValueError("a count without phases: it covers the whole run")
    threshold = Threshold(
        aggregate=aggregate,
        operator=_OF_K6.get(match["operator"], match["operator"]),
        limit=_factor(match["number"]) if of_baseline else _limit(match["number"], match["unit"], unit),
        unit=unit,
        phases=phases,
        of_baseline=of_baseline,
        text=text,
    )
    _require_sense(threshold)
    return threshold


def _aggregate(match: re.Match[str], aggregates: Collection[str] | None) -> str:
    percentile = match["percentile"]
    if percentile is not None and not 0 <= float(percentile) <= 100:  # noqa: PLR2004 -- a percentile's own range
        raise ValueError("a percentile from p(0) to p(100)")
    written = match["aggregate"] if percentile is None else f"p({_shortest(float(percentile))})"
    aggregate = _OF_K6.get(written, written)
    if aggregates is None or aggregate in aggregates:
        return aggregate
    if aggregate.startswith("p(") and any(known.startswith("p(") for known in aggregates):
        return aggregate
    raise ValueError(f"an aggregate of this check: {_listed(aggregates)}")


def _limit(number: str, written: str, unit: str) -> float:
    """The limit in ``unit``, computed in decimals so that its written unit makes no difference."""
    factors = _UNITS[unit]
    if written not in factors:
        units = f"in the check's unit ({' or '.join(factors)})" if unit else "without a unit"
        raise ValueError(f"a limit {units}")
    if number.startswith("-"):
        raise ValueError("a limit of 0 or more: measurements are never negative")
    limit = float(Decimal(number) * Decimal(repr(factors[written])))
    if not math.isfinite(limit):
        raise ValueError("a finite limit")
    return limit


def _factor(number: str) -> float:
    factor = float(number)
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError("a finite multiple of the baseline, greater than 0")
    return factor


def _require_sense(threshold: Threshold) -> None:
    """Reject limits that can never be missed, which prove nothing, or never be met, which are mistakes."""
    if threshold.is_count and not threshold.of_baseline and not threshold.limit.is_integer():
        raise ValueError("a whole number, for a count")
    if threshold.limit == 0 and threshold.operator in ("<", ">="):
        raise ValueError("a limit that can be both met and missed: measurements are never less than 0")


def _phases(text: str | None) -> tuple[str, ...]:
    phases = tuple(re.split(r"\s*,\s*", text)) if text else ()
    if not set(phases) <= set(PHASES):
        raise ValueError(f"phases from {', '.join(PHASES)}")
    if len(set(phases)) != len(phases):
        raise ValueError("each phase once")
    return phases


def _listed(aggregates: Collection[str]) -> str:
    percentiles = any(known.startswith("p(") for known in aggregates)
    others = sorted(known for known in aggregates if not known.startswith("p("))
    return ", ".join([*others, *(["p(N)"] if percentiles else [])])


def _shortest(number: float) -> str:
    """The shortest decimal that reads back as the same float; with an exponent only if it is long."""
    text = format(Decimal(repr(number)), "f").removesuffix(".0")
    return text if len(text) <= _DIGITS_MAX else repr(number)
