"""Sums of doubles that do not depend on the order of the rows.

Floating-point addition is not associative, and Spark adds in whatever order tasks end, so that a day
computed again could differ in its last digits. Each value is therefore cut into five whole numbers, its
digits to base 2^30 from 2^60 down to 2^-90, which is exact. Whole numbers are added, which is exact as
well (in groups of up to 2^33 rows), and the sums are put together in one fixed order. What is left are the
roundings of that, at most 2^-50 of the sum of magnitudes.

Values of 2^60 and more, or below 2^-38 and not 0, do not fit: a group that has one is added as doubles are.
Where the largest ones are among them, they are scaled down before, so that no order leaves the doubles on the
way: the sum is infinite only where it is beyond all of them, and is never no number.
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
    """An aggregate: the sum of a column of doubles. Null without a value."""
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
