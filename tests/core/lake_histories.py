"""A day of the lake in a few lines: what the source held, and what a right lake makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from harness.history.checksum import BRONZE_FIELDS, SILVER_FIELDS, checksum_query
from harness.history.reader import History
from harness.judge.measure.measurement import Count, Measurement
from harness.judge.registry import CHECKS
from harness.oracle.lake import derive_lake
from harness.oracle.lake_days import derive_days
from harness.oracle.lake_gold import derive_gold
from harness.scenario.model import Scenario
from pipeline.base.options import PipelineOptions
from tests.core.histories import ORIGIN_MS, SECOND_NS, Rows, closing, event, found, history, scenario

LAMBDA = scenario(pipeline=PipelineOptions(deploy=("stream", "lake")))
DAY = date(1970, 1, 1) + timedelta(milliseconds=ORIGIN_MS)
BROKEN = {"payload": b'{"event_id": 17}', "kind": "malformed", "event_id": None, "category": None}
PLAN: Rows = (
    event(0, 1, value=2.5, quantity=3, attributes='{"a":"1","b":"2"}'),
    event(1, 2, value=None, category="DL", reference_id="N1"),
    event(2, 3, entity_id="N2", reference_id="N9"),
    event(3, 1, kind="duplicate", original_seq=0, value=2.5, quantity=3, attributes='{"a":"1","b":"2"}'),
    event(4, 4, **BROKEN),
    closing(5, minute=3000),
)
SOURCE = found("events", 0, 1, 2, 0, 4, 5)
STREAM = [
    *found("events_valid", 0, 1, 2, 5),
    {
        "topic": "events_dead_letter",
        "partition": 0,
        "offset": 0,
        "seq": 4,
        "reason": "type:event_id",
        "source_partition": 0,
        "source_offset": 4,
    },
]

SCALED = "scale, scaled_sum, scaled_magnitude"
"""What the oracle has beside Gold's columns."""

_LANDING = """
SELECT event_date, 0 AS partition, count(*) AS rows FROM oracle_bronze WHERE source = 'kafka' GROUP BY ALL
"""


def partner(position: int, minute: float = 10, **fields: object) -> dict[str, object]:
    """A row of a partner's file, a new event unless it says otherwise."""
    return {
        "event_date": DAY,
        "source_name": "landing/partners/acme/file.csv",
        "source_position": position,
        "event_time_ms": ORIGIN_MS + round(minute * 60_000),
        "event_id": f"p{position}",
        "event_type": "departure",
        "entity_id": "N1",
        "category": "UA",
        "value": 4.0,
        **fields,
    }


PARTNERS: Rows = (
    partner(0),
    partner(1, 1, event_id="e0", value=99.0),
    partner(2, event_id=None, reason="missing:event_id"),
)


def task(name: str, number: int = 1, outcome: str = "promoted", **fields: object) -> dict[str, object]:
    """A task of the day, which took two seconds."""
    return {
        "task": name,
        "event_date": DAY,
        "number": number,
        "began_ns": 61 * SECOND_NS,
        "ended_ns": 63 * SECOND_NS,
        "cpu_s": 1.0,
        "outcome": outcome,
        "rows_read": 100,
        "bytes_written": 5000,
        **fields,
    }


REFERENCES: Rows = (
    {"table": "categories", "key": "UA", "name": "United"},
    {"table": "assets", "key": "N1", "name": None},
)
TASKS: Rows = (task("bronze"), task("silver"), task("gold"))


def gate(layer: str, rule: str = "identity_is_unique", **fields: object) -> dict[str, object]:
    row = {"layer": layer, "event_date": DAY, "number": 1, "rule": rule, "severity": "error"}
    return {**row, "result": "passed", "observed": "0", "limit": "0", **fields}


GATES: Rows = (gate("bronze"), gate("silver"), gate("gold"))


def batch_day(of: Scenario = LAMBDA, **tables: Rows) -> History:
    """A history of the day whose lake did all right, but for the tables that are given."""
    given = source(**tables)
    return history(of=of, **{**right(given), **given})


def right_day() -> dict[str, Rows]:
    """The right tables of the day."""
    return right(source())


def source(**tables: Rows) -> dict[str, Rows]:
    timed = _timed(tables.get("readback_events", [*SOURCE, *STREAM]), tables.get("plan", PLAN))
    source = {"plan": PLAN, "partner_rows": PARTNERS, "reference_rows": REFERENCES}
    done = {"lake_tasks": TASKS, "lake_gates": GATES}
    return {**source, **done, **tables, "readback_events": timed}


def right(given: Mapping[str, Rows]) -> dict[str, Rows]:
    """What the lake's tables are to hold for this source."""
    of = history(of=LAMBDA, **given)
    derive_gold(of)
    derive_days(of)
    groups = {
        "lake_bronze": checksum_query("oracle_bronze", ("event_date", "source"), BRONZE_FIELDS),
        "lake_silver": checksum_query("oracle_silver", ("event_date", "event_type", "source"), SILVER_FIELDS),
        "lake_rejects": "SELECT * FROM oracle_rejects",
        "lake_gold_daily": f"SELECT * EXCLUDE ({SCALED}) FROM oracle_daily",  # noqa: S608
        "lake_gold_hourly": f"SELECT * EXCLUDE ({SCALED}) FROM oracle_hourly",  # noqa: S608
        "lake_gold_entity_days": "SELECT * EXCLUDE (last_events), last_events[1].type AS last_event_type, "
        "last_events[1].value AS last_value FROM oracle_entity_days",
    }
    tables: dict[str, Rows] = {
        name: [{"place": "table", **row} for row in of.rows(f"{sql} ORDER BY ALL")]
        for name, sql in groups.items()
    }
    tables["lake_landing"] = of.rows(_LANDING)
    tables["lake_gold_entities"] = entities(tables["lake_gold_entity_days"])
    return tables


def entities(days: Rows) -> Rows:
    """The entities that these days add up to."""
    of = history(of=LAMBDA, lake_gold_entity_days=days)
    derive_lake(of)
    derive_gold(of)
    return of.rows("SELECT * EXCLUDE (last_types), last_types[1] AS last_event_type FROM oracle_entities")


def altered(table: Rows, index: int, **fields: object) -> Rows:
    """The rows, one of which has other fields."""
    return [{**row, **fields} if n == index else row for n, row in enumerate(table)]


def measure(check: str, of: History) -> Measurement:
    return CHECKS[check].measure(of)


def quarantined(layer: str) -> Rows:
    """The layer's gate failed, and those behind it were held back."""
    layers = ("bronze", "silver", "gold")
    behind = layers[layers.index(layer) + 1 :]
    outcomes = {layer: "quarantined", **dict.fromkeys(behind, "held_back")}
    return [task(name, outcome=outcomes.get(name, "promoted")) for name in layers]


LAYER_TABLES = {
    "bronze": ("lake_bronze",),
    "silver": ("lake_silver", "lake_rejects"),
    "gold": ("lake_gold_daily", "lake_gold_hourly", "lake_gold_entity_days"),
}


def wrong(check: str, of: History) -> tuple[int, tuple[str, ...]]:
    """How many, and which."""
    measurement = measure(check, of)
    assert isinstance(measurement, Count), measurement
    return measurement.value, measurement.examples


def _timed(records: Sequence[Mapping[str, Any]], plan: Rows) -> Rows:
    """Records with their events' times."""
    offsets = {row["seq"]: row["event_offset_ms"] for row in plan}
    return [{"event_time_ms": ORIGIN_MS + int(str(offsets.get(r["seq"], 0))), **r} for r in records]
