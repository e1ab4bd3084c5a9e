"""Reduce a measurement to the figure that a threshold is compared with."""

from __future__ import annotations

from harness.judge.measure.measurement import Count, Distribution, least_count
from harness.scenario.thresholds import Threshold


def observe(measurement: Count | Distribution, threshold: Threshold) -> float | None:
    """Return the aggregate that the threshold names, in its phases; None if nothing was measured in them."""
    if isinstance(measurement, Count):
        return float(measurement.value)
    values = measurement.during(threshold.phases) if threshold.phases else measurement
    if threshold.is_count:
        return float(values.count)
    if not values.count:
        return None
    if threshold.percentile is not None:
        return values.percentile(threshold.percentile)
    aggregates = {
        "max": values.maximum,
        "min": values.minimum,
        "mean": values.mean,
        "rate": values.mean,
    }
    return float(aggregates[threshold.aggregate])


def too_few(measurement: Count | Distribution, threshold: Threshold) -> str:
    """Return why there are too few values for the threshold's percentile; "" if there are enough.

    A limit that every value breaks is broken by any percentile.
    """
    percent = threshold.percentile
    if isinstance(measurement, Count) or percent is None:
        return ""
    values = measurement.during(threshold.phases) if threshold.phases else measurement
    needed = least_count(percent)
    if values.count >= needed or not (threshold.holds(values.minimum) or threshold.holds(values.maximum)):
        return ""
    return f"{threshold.aggregate} needs {needed:,} values but there are {values.count:,}"
