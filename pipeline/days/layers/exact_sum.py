"""Sums of doubles that do not depend on the order of the rows.

Floating-point addition is not associative, and Spark adds in whatever order tasks finish, so a recomputed
day could differ in its last digits. Each value is therefore split into five integers, its digits to base
2^30 from 2^60 down to 2^-90, which is exact. The integers are added, which is exact as well (in groups of up
to 2^33 rows), and the sums are combined in one fixed order. Only that rounds, by at most 2^-50 of the sum of
magnitudes.

Values of 2^60 or more, or non-zero values below 2^-38, do not fit: a group that contains one is added as
plain doubles. If it contains very large ones, all are scaled down first, so that no order overflows on the
way: the sum is infinite only if it exceeds every double, and is never NaN.
"""

from __future__ import annotations

from functools import reduce
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

_BASE: Final = float(2**30)
_LARGEST: Final = float(2**60)
_SMALLEST: Final = 2.0**-38
_DIGITS: Final = 5
_LARGE: Final = 1e200
_SCALE: Final = 2.0**-64


def exact_sum(value: Column) -> Column:
    """Return an aggregate that sums a column of doubles; null without any value."""
    size = F.abs(value)
    fits = (value == 0) | ((size >= _SMALLEST) & (size < _LARGEST))
    rest = F.when(fits, value) / _BASE
    sums: list[Column] = []
    for _ in range(_DIGITS):
        digit = rest.cast("bigint")
        sums.append(F.sum(digit).cast("double"))
        rest = (rest - digit) * _BASE
    total = reduce(lambda lower, higher: lower / _BASE + higher, reversed(sums)) * _BASE
    scaled = F.sum(value * _SCALE) / _SCALE
    as_doubles = F.when(F.max(size) > _LARGE, scaled).otherwise(F.sum(value))
    return F.when(F.bool_and(fits), total).otherwise(as_doubles)
