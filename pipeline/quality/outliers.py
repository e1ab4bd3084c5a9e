"""Finds values far from what is usual in their category, by robust statistics.

The modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (ASQC Basic References in
Quality Control, volume 16, 1993): 0.6745 (x - median) / MAD, where MAD is the median of the distances from
the median. Both medians stay put until half of the values are wrong. The authors consider a value beyond 3.5
a potential outlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.quality.sample import Sample

LIMIT: Final = 3.5
FIELDS: Final = ("value", "quantity")
_SCALE: Final = 0.6745
"""The 0.75 quantile of the standard normal distribution, which scales the MAD to a deviation."""
_LARGE: Final = 1e300
_QUARTER: Final = 0.25
_MAX: Final = float(np.finfo(np.float64).max)
_FEWEST: Final = 30
"""The least number of values for a category's median to be meaningful."""
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """One value far from the median of its category."""

    event_id: str
    event_time: str
    """In ISO 8601, UTC."""
    value: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """The outliers of one field in one category."""

    category: str
    field: str
    values: int
    """The number of non-null values."""
    median: float
    mad: float
    outliers: int | None
    """None if it was not judged."""
    why: str = ""
    """Why it was not judged."""
    worst: tuple[Outlier, ...] = ()


def outliers(sample: Sample) -> tuple[Outliers, ...]:
    """Return every field in every category, in their order. Fields without any value are left out."""
    return tuple(_all(sample.events))


def _all(events: pa.Table) -> Iterator[Outliers]:
    categories = sorted(pc.unique(events["category"].drop_null()).to_pylist())
    for field in FIELDS:
        for category in categories:
            there = pc.and_(pc.equal(events["category"], category), pc.is_valid(events[field]))
            found = events.filter(pc.fill_null(there, False))
            if found.num_rows:
                yield _of(found, field, category)


def _of(events: pa.Table, field: str, category: str) -> Outliers:
    values = events[field].to_numpy().astype(float)
    # Distances between the largest doubles overflow; distances between their quarters do not.
    scale = _QUARTER if np.abs(values).max() > _LARGE else 1.0
    scaled = values * scale
    middle = np.median(scaled)
    distance = np.abs(scaled - middle)
    spread = float(np.median(distance))
    median, mad = float(middle / scale), min(spread / scale, _MAX)
    why = ""
    if len(values) < _FEWEST:
        why = f"{len(values)} values; {_FEWEST} are needed to judge by"
    elif spread == 0:
        why = "at least half of the values are the same, so nothing is usual beside it"
    if why:
        return Outliers(
            category=category, field=field, values=len(values), median=median, mad=mad, outliers=None, why=why
        )
    with np.errstate(over="ignore"):
        scores = np.minimum(_SCALE * distance / spread, _MAX)
    # The sort is stable and the sample sorted, so equal scores are in the order of their identity.
    worst = [int(i) for i in np.argsort(-scores, kind="stable")[:_EXAMPLES] if scores[i] > LIMIT]
    return Outliers(
        category=category,
        field=field,
        values=len(values),
        median=median,
        mad=mad,
        outliers=int(np.count_nonzero(scores > LIMIT)),
        worst=tuple(_outlier(events, i, float(values[i]), float(scores[i])) for i in worst),
    )


def _outlier(events: pa.Table, row: int, value: float, score: float) -> Outlier:
    return Outlier(
        event_id=events["event_id"][row].as_py(),
        event_time=events["event_time"][row].as_py().isoformat(),
        value=value,
        score=round(score, 3),
    )
