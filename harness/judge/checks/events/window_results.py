"""Window results must equal the oracle's, in the output topic and in the hot store.

All fields must be equal but sums, since floating-point addition depends on its order: two orders of n values
differ by no more than n roundings of the sum of their absolute values. Where that sum is beyond a double, an
order may have overflowed, and the result is null, which is what stands for a sum that is not finite. Windows
that end past the horizon (harness/oracle/windows.py) are optional, but must be right if present.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from harness.history.reader import History
from harness.history.schema import UNREADABLE
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import STREAM
from harness.oracle.events import NEEDS
from harness.oracle.windows import SCALE, closed_until_ms, derive_windows

_ROUNDING: Final = 2.0**-52
"""The relative rounding error of one addition."""
_SMALLEST: Final = 2.0**-1074
_LARGEST: Final = 2.0**1023 * SCALE * 2

_OBSERVED: Final = """
SELECT DISTINCT 'window_results' AS place, * EXCLUDE (partition, "offset"), true AS found
FROM readback_windows
UNION ALL
SELECT DISTINCT 'hot store' AS place, *, true AS found FROM readback_hot_windows
"""
_WRONG: Final = """
WITH expected AS (
    SELECT place, oracle_windows.*
    FROM oracle_windows, (VALUES ('window_results'), ('hot store')) AS places(place)
)
SELECT place, window_kind, key, window_start_ms, window_end_ms,
       e.events, e.measured, e.value_sum, e.value_min, e.value_max,
       o.events AS found_events, o.measured AS found_measured, o.value_sum AS found_sum,
       o.value_min AS found_min, o.value_max AS found_max, o.found
FROM expected e FULL JOIN observed_windows o USING (place, window_kind, key, window_start_ms, window_end_ms)
WHERE CASE WHEN o.found IS NULL THEN window_end_ms <= $horizon
           WHEN e.events IS NULL THEN true
           ELSE e.events IS DISTINCT FROM o.events OR e.measured IS DISTINCT FROM o.measured
                OR e.value_min IS DISTINCT FROM o.value_min OR e.value_max IS DISTINCT FROM o.value_max
                OR NOT CASE WHEN o.value_sum IS NULL THEN e.measured = 0 OR e.scaled_magnitude >= $largest
                            ELSE e.measured > 0 AND isfinite(o.value_sum)
                                 AND abs(e.scaled_sum - o.value_sum * $scale)
                                     <= e.measured * (e.scaled_magnitude * $rounding + $smallest) END
           END
"""
_TOTALS: Final = """
SELECT (SELECT count(*) FROM wrong_windows WHERE place = $place) AS wrong,
       (SELECT count(*) FROM oracle_windows WHERE window_end_ms <= $horizon) AS judged,
       (SELECT count(*) FROM oracle_windows WHERE window_end_ms > $horizon) AS open
"""
_EXAMPLES: Final = """
SELECT * FROM wrong_windows WHERE place = $place
ORDER BY window_kind, key, window_start_ms, window_end_ms LIMIT $limit
"""


class _WindowResults(SafetyCheck):
    fit_for = (STREAM,)
    place: str

    def measure(self, history: History) -> Measurement:
        """Count the windows that are missing, unexpected or different."""
        horizon = closed_until_ms(history)
        if horizon is None:
            return Unjudged(reason="no closing event was sent, so no window was certain to close")
        derive_windows(history)
        _derive_comparison(history, horizon)
        totals = history.rows(_TOTALS, {"place": self.place, "horizon": horizon})[0]
        if not totals["judged"]:
            return Unjudged(reason=f"no window ends by the horizon, {_moment(horizon)}")
        return Count(
            value=totals["wrong"],
            detail=_detail(totals, horizon),
            examples=examples(history, _EXAMPLES, _example, place=self.place),
        )


class WindowsEqualOracle(_WindowResults):
    """The results in the output topic."""

    name = "windows_equal_oracle"
    describes = "window results in the output topic that are missing, unexpected or unlike the oracle's"
    needs: Set[str] = NEEDS | {"readback_windows"}
    place = "window_results"


class HotWindowsEqualOracle(_WindowResults):
    """The results in the hot store."""

    name = "hot_windows_equal_oracle"
    describes = "window results in the hot store that are missing, unexpected or unlike the oracle's"
    needs: Set[str] = NEEDS | {"readback_hot_windows"}
    place = "hot store"


def _derive_comparison(history: History, horizon: int) -> None:
    history.derive("observed_windows", _OBSERVED)
    history.derive("wrong_windows", _WRONG, {"horizon": horizon, **_LIMITS})


_LIMITS: Final = {"scale": SCALE, "rounding": _ROUNDING, "smallest": _SMALLEST, "largest": _LARGEST}


def _detail(totals: Mapping[str, int], horizon: int) -> str:
    parts = [f"of {totals['judged']:,} windows that end by {_moment(horizon)}"]
    if totals["open"]:
        parts.append(f"{totals['open']:,} that end later need not be there")
    return "; ".join(parts)


def _example(row: Mapping[str, Any]) -> str:
    if row["window_kind"] == UNREADABLE:
        return f"not a window result: {row['key']}"
    span = f"{_moment(row['window_start_ms'])} to {_moment(row['window_end_ms'])}"
    expected = _aggregates(
        row["events"], row["measured"], row["value_sum"], row["value_min"], row["value_max"]
    )
    found = _aggregates(
        row["found_events"] if row["found"] else None,
        row["found_measured"],
        row["found_sum"],
        row["found_min"],
        row["found_max"],
    )
    return f"{row['window_kind']} {row['key']} {span}: expected {expected}, found {found}"


def _aggregates(events: int | None, measured: int | None, *sum_min_max: float | None) -> str:
    if events is None:
        return "none"
    return f"{events} events, {measured} measured, sum {{}}, min {{}}, max {{}}".format(*sum_min_max)


def _moment(at_ms: int) -> str:
    """Format event time in UTC; any value is accepted, since a damaged history may hold it."""
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms)
    except OverflowError:
        return f"{at_ms} ms"
    return moment.isoformat(sep=" ").replace("000+00:00", "Z").replace("+00:00", "Z")
