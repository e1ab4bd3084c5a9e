"""A plan's events through a pipeline of a few lines: a right one passes, and each wrong one is noticed.

The pipeline here is the obvious computation, record by record, of what the checks judge by SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Verdict
from harness.load.contract_rules import contract_rules
from harness.load.murmur2 import partition_of
from harness.load.plan.cached import build_plan
from harness.oracle.rejection import rejection
from harness.scenario.model import Inject, Scenario
from tests.core.histories import ORIGIN_MS, history, sent
from tests.core.test_oracle import reference
from tests.core.test_plan import quiet, scenario_of

Row = dict[str, Any]

INJECT = Inject(malformed=0.02, duplicate=0.05, conflict=0.05, late=0.02, late_by=3600.0, boundary=0.1)
WINDOW_MS = 300_000
JUDGED = {
    "unaccounted",
    "duplicates",
    "altered",
    "dead_letters",
    "late_events",
    "windows_equal_oracle",
    "hot_events_equal_oracle",
    "hot_windows_equal_oracle",
}


def _identity(row: Row) -> object:
    return row["event_id"], row["event_offset_ms"]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What becomes of records; each field is a way to be wrong."""

    out_of_orderness_s: float = 30.0
    identity: Callable[[Row], object] = _identity
    keeps: int = 0
    """Of the records of an identity: 0 for the first, -1 for the last."""
    digits: int | None = None
    """To so many decimals values are rounded before they are summed."""
    partitions: int = 3

    def history(self, of: Scenario, plan: Sequence[Row]) -> History:
        """What a run leaves whose source topic has all of the plan, in its order."""
        source = [{**_record("events", seq, row)} for seq, row in enumerate(plan)]
        valid, late = self._passed_on([row for row in plan if row["kind"] != "malformed"])
        counted = [row for row in valid if row["seq"] not in late]
        windows = self._windows(counted)
        return history(
            of=of,
            plan=plan,
            operations=[sent(0, len(plan) - 1)],
            readback_events=[
                *source,
                *(_record("events_valid", n, row) for n, row in enumerate(valid)),
                *(_record("events_late", n, row) for n, row in enumerate(valid) if row["seq"] in late),
                *(_letter(offset, row) for offset, row in enumerate(plan) if row["kind"] == "malformed"),
            ],
            readback_windows=[{"partition": 0, "offset": n, **row} for n, row in enumerate(windows)],
            readback_hot_windows=windows,
            readback_hot_events=[_hot(row) for row in valid],
        )

    def _passed_on(self, records: Sequence[Row]) -> tuple[list[Row], set[int]]:
        """Those that are kept, and the numbers of those that are late."""
        copies: dict[object, list[Row]] = {}
        late: set[int] = set()
        clocks: dict[int, int] = {}
        for row in records:
            copies.setdefault(self.identity(row), []).append(row)
            if self._is_late(row, clocks):
                late.add(row["seq"])
        return [rows[self.keeps] for rows in copies.values()], late

    def _is_late(self, row: Row, clocks: dict[int, int]) -> bool:
        partition = partition_of(row["entity_id"], self.partitions)
        newest_ms = clocks.get(partition, -(10**12))
        closes_ms = row["event_offset_ms"] // WINDOW_MS * WINDOW_MS + WINDOW_MS
        clocks[partition] = max(newest_ms, row["event_offset_ms"])
        return bool(closes_ms <= newest_ms - self.out_of_orderness_s * 1000)

    def _windows(self, counted: Sequence[Row]) -> list[Row]:
        rows = [(r["entity_id"], r["category"], r["event_offset_ms"], self._value(r)) for r in counted]
        return [_window(key, values) for key, values in reference(rows).items()]

    def _value(self, row: Row) -> float | None:
        value: float | None = row["value"]
        return value if value is None or self.digits is None else round(value, self.digits)


HEADERS = "reason,source_offset,source_partition,source_topic"


def _record(topic: str, offset: int, row: Row) -> Row:
    # A copy with the same bytes is taken for the first sending.
    sent_as = row["original_seq"] if row["kind"] == "duplicate" else row["seq"]
    time_ms = ORIGIN_MS + row["event_offset_ms"]
    partition = 0 if row["entity_id"] is None else partition_of(row["entity_id"], 3)
    record = {"topic": topic, "partition": partition, "offset": offset, "event_time_ms": time_ms}
    return {**record, "seq": row["original_seq"], "sent_as": sent_as, "key_kept": True}


def _letter(offset: int, row: Row) -> Row:
    record = _record("events_dead_letter", offset, row)
    source = {"source_topic": "events", "source_partition": record["partition"], "source_offset": offset}
    reason = rejection(row["payload"], contract_rules())
    return {**record, **source, "headers": HEADERS, "reason": reason}


def _hot(row: Row) -> Row:
    names = ("event_id", "event_type", "entity_id", "category", "reference_id", "value", "quantity")
    fields = {name: row[name] for name in (*names, "attributes")}
    return {**fields, "event_time_ms": ORIGIN_MS + row["event_offset_ms"]}


def _window(key: tuple[str, str, int, int], values: Sequence[float | None]) -> Row:
    measured = [value for value in values if value is not None]
    return {
        **dict(zip(("window_kind", "key", "window_start_ms", "window_end_ms"), key, strict=True)),
        "events": len(values),
        "measured": len(measured),
        "value_sum": sum(measured) if measured else None,
        "value_min": min(measured, default=None),
        "value_max": max(measured, default=None),
    }


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, list[Row]]:
    """Rides whose numbers come back again and again, at other times, some of a third of an hour."""
    folder: Path = tmp_path_factory.mktemp("plan")
    trace = [
        {
            "ride": f"r{n % 40}",
            "started": 1000 * n,
            "station": f"s{n % 7}",
            "bike": "b",
            "city": f"c{n % 3}",
            "minutes": "" if n % 11 == 0 else repr(n % 50 / 3),
            "metres": "3",
            "note": "n",
        }
        for n in range(1500)
    ]
    of = scenario_of(folder, trace, INJECT, 1, event_span=7200.0, duration=60.0)
    return of, pq.read_table(build_plan(of, cache=folder, report=quiet).path).to_pylist()


def failed(of: History) -> set[str]:
    findings = judge_history(of, run_id="r").findings
    verdicts = {finding.name: finding.verdict for finding in findings if finding.name in JUDGED}
    assert verdicts.keys() == JUDGED
    assert Verdict.INCONCLUSIVE not in verdicts.values(), verdicts
    return {name for name, verdict in verdicts.items() if verdict is Verdict.FAIL}


def test_a_right_pipeline_passes(load: tuple[Scenario, list[Row]]) -> None:
    assert failed(Pipeline().history(*load)) == set()


WINDOWS = {"windows_equal_oracle", "hot_windows_equal_oracle"}
WRONG = {
    "waits twice as long": (Pipeline(out_of_orderness_s=60), {"late_events", *WINDOWS}),
    "waits not at all": (Pipeline(out_of_orderness_s=0), {"late_events", *WINDOWS}),
    "waits a little longer": (Pipeline(out_of_orderness_s=33), {"late_events", *WINDOWS}),
    "takes the id for the identity": (
        Pipeline(identity=lambda row: row["event_id"]),
        {"unaccounted", "hot_events_equal_oracle", "late_events", *WINDOWS},
    ),
    "keeps the last": (
        Pipeline(keeps=-1),
        {"altered", "hot_events_equal_oracle", "late_events", *WINDOWS},
    ),
    "rounds to a tenth": (Pipeline(digits=1), WINDOWS),
    "rounds to a millionth": (Pipeline(digits=6), WINDOWS),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_pipeline_is_noticed(load: tuple[Scenario, list[Row]], wrong: str) -> None:
    pipeline, expected = WRONG[wrong]
    assert failed(pipeline.history(*load)) == expected
