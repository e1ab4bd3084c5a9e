"""The percentiles of a report: of ranks that are rounded up, so that a slow request is never left out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.latencies import Latencies
from harness.history.latency_log import empty_histogram
from reports.latency_figures import latency_rows

PERCENTS = (50, 90, 99, Fraction(999, 10))


def percentiles_ms(*values_ms: int) -> tuple[float, ...]:
    histogram = empty_histogram()
    for value in values_ms:
        assert histogram.record_value(value * 1000)
    (row,) = latency_rows(Latencies(histograms={"produce.response": histogram}))
    return row.percentiles_ms


def test_two_slow_ones_of_a_hundred_and_fifty_one_are_the_ninety_ninth_percentile() -> None:
    assert percentiles_ms(*[10] * 149, 900, 900) == pytest.approx((10, 10, 900, 900), rel=1e-3)


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=300))
def test_percentiles_are_of_the_rank_rounded_up(values: Sequence[int]) -> None:
    """A value counts as the largest of those that the histogram's three digits do not tell apart."""
    ranks = [max(1, -(-len(values) * percent // 100)) for percent in PERCENTS]
    expected = [sorted(values)[int(rank) - 1] for rank in ranks]
    found = percentiles_ms(*values)
    assert found == pytest.approx(expected, rel=2e-3, abs=0.001)
    assert all(told >= exact for told, exact in zip(found, expected, strict=True))
