"""Whole runs in which everything is right, for faults to be planted in: event by event through the stream
path or into topics alone, one of the lake, one in whole batches.

Each is literal and small. A plant changes one thing of what a run left, and names the check that must see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from harness.history.course import EndLine, HotWriteLine
from harness.history.reader import History
from harness.oracle.windows import SCALE, closed_until_ms, derive_windows
from harness.scenario.faults import FaultSpec
from harness.scenario.lake_steps import LakeStage, Rerun, RunDays
from harness.scenario.model import Expectation, Inject, Load, Readers, Scenario
from harness.scenario.profiles.constant import Constant
from harness.scenario.topology import RoleSpec, Topology
from pipeline.base.options import PipelineOptions
from pipeline.contract.topics import TOPICS
from tests.core import lake_histories
from tests.core.histories import (
    ORIGIN_MS,
    SECOND_NS,
    Rows,
    closing,
    event,
    fault,
    found,
    history,
    letter,
    malformed,
    phase,
    run_info,
    sample,
    scenario,
    sent,
)
from tests.core.lake_histories import DAY

FAULTS = (fault(20, "inject"), fault(30, "heal"))
PHASES = (
    phase(0, "warm_up"),
    phase(5, "steady"),
    phase(20, "fault"),
    phase(30, "recovery"),
    phase(60, "drain"),
    phase(70, "done"),
)
ENDS = (
    EndLine(at_ns=20 * SECOND_NS, node="kafka-broker-1", exit=-9),
    EndLine(at_ns=61 * SECOND_NS, node="load", exit=0),
)
KILL = FaultSpec(kind="kill", targets=("kafka-broker-1",), at=20.0, heal_after=10.0)
SECONDS = 60
"""Of the load; the event clock runs a minute a second."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """A run in which all is right: its scenario and all that its history is made of."""

    scenario: Scenario
    tables: Mapping[str, Rows]
    course: Mapping[str, Any] = field(default_factory=dict)
    """Phases, faults, ends and hot writes."""

    def with_(self, **changes: Any) -> History:
        """Its history, with some tables or some of its course changed."""
        return history(
            of=changes.pop("of", self.scenario),
            **{"info": run_info(), **self.course, **self.tables, **changes},
        )

    def but(self, table: str, index: int, **fields: object) -> History:
        """Its history, with fields of one row changed."""
        return self.with_(**self.changed(table, index, **fields))

    def changed(self, table: str, *indexes: int, **fields: object) -> dict[str, Rows]:
        """A table of it with fields of these rows changed."""
        rows, chosen = self.tables[table], {index % len(self.tables[table]) for index in indexes}
        return {table: [{**row, **fields} if n in chosen else row for n, row in enumerate(rows)]}

    def less(self, table: str, index: int) -> History:
        """Its history without one row."""
        rows = self.tables[table]
        return self.with_(**{table: [row for n, row in enumerate(rows) if n != index % len(rows)]})

    def more(self, table: str, *rows: Mapping[str, object]) -> History:
        """Its history with more rows."""
        return self.with_(**{table: [*self.tables[table], *rows]})

    def limited(self, check: str, limit: str) -> Scenario:
        """Its scenario with a limit for a check."""
        return self.scenario.model_copy(update={"expect": (Expectation(check=check, thresholds=(limit,)),)})

    def where(self, table: str, **fields: object) -> int:
        """The first row of a table that has these fields."""
        return next(n for n, row in enumerate(self.tables[table]) if row.items() >= fields.items())


COURSE = {"phases": PHASES, "faults": FAULTS, "ends": ENDS}


def _topology(*services: str) -> Topology:
    role = {"kafka": "broker", "cassandra": "node"}
    nodes = {name: {role[name]: RoleSpec(count=3, memory=2**28)} for name in services}
    return Topology(name="three", zones=("a", "b", "c"), services=nodes)


def _copies(hot_store: bool) -> Rows:
    found = [sample("topic_replication_factor", 65, 3, topic) for topic in TOPICS]
    found += [sample("topic_min_insync_replicas", 65, 2, topic) for topic in TOPICS]
    return [*found, *([sample("keyspace_replication_factor", 65, 3, "hot")] if hot_store else [])]


def _sent(seq: int, at_s: float, **fields: object) -> dict[str, object]:
    """An event, acknowledged 10 ms after it was due."""
    due = round(at_s * SECOND_NS)
    times = {"intended_ns": due, "started_ns": due, "completed_ns": due + 10_000_000}
    return {**sent(seq, seq), **times, **fields}


LATE, MALFORMED, DUPLICATE, CONFLICT, CLOSING = 40, 60, 61, 62, 63
STREAM_PLAN: Rows = (
    *(event(n, n, value=n / 8, late=n == LATE) for n in range(LATE)),
    event(LATE, 10, late=True, send_offset_ms=LATE * 60_000),
    *(event(n, n, value=n / 8) for n in range(LATE + 1, SECONDS)),
    malformed(MALFORMED, 59),
    event(DUPLICATE, 0, kind="duplicate", original_seq=0, value=0.0, send_offset_ms=59 * 60_000),
    event(
        CONFLICT, 1, kind="conflict", original_seq=1, event_id="e1", value=99.0, send_offset_ms=59 * 60_000
    ),
    {**closing(CLOSING), "send_offset_ms": 59 * 60_000},
)
"""An event a second, of which one is late; then one that is broken, one that comes again as it was, one that
comes again with another value, and one that closes all windows."""


@cache
def stream() -> Base:
    """Sixty events through the stream path, one of them late, while a broker is killed and comes back."""
    of = scenario(
        topology=_topology("kafka", "cassandra"),
        faults=(KILL,),
        load=Load(
            trace=Path("trace.yaml"),
            event_span=3600.0,
            duration=60.0,
            inject=Inject(malformed=0.01, duplicate=0.01, late=0.01, conflict=0.01),
            readers=Readers(rate=2.0, weights={"hot_point": 1, "hot_range": 1}),
        ),
    )
    source = found("events", *range(SECONDS), MALFORMED, 0, 1, CLOSING)
    source[CONFLICT]["sent_as"] = CONFLICT
    readback = [
        *source,
        *found("events_valid", *range(SECONDS), CLOSING),
        *found("events_late", LATE),
        letter(MALFORMED, source_offset=MALFORMED),
    ]
    times = {row["seq"]: ORIGIN_MS + int(str(row["event_offset_ms"])) for row in STREAM_PLAN}
    tables: dict[str, Rows] = {
        "plan": STREAM_PLAN,
        "operations": [
            *(_sent(seq, seq) for seq in range(SECONDS)),
            *(_sent(seq, 59.5) for seq in range(MALFORMED, CLOSING + 1)),
            *_reads(),
        ],
        "readback_events": [{**row, "event_time_ms": times[row["seq"]]} for row in readback],
        "samples": [*_samples(), *_copies(hot_store=True)],
        "readback_hot_events": _hot_events(),
        **_probed(),
    }
    base = Base(scenario=of, tables=tables, course={**COURSE, "hot_writes": _hot_writes()})
    windows = _windows(base)
    numbered = [{"partition": 0, "offset": n, **row} for n, row in enumerate(windows)]
    tables |= {"readback_windows": numbered, "readback_hot_windows": windows}
    return base


@cache
def topics() -> Base:
    """The same events into topics that nothing lies behind."""
    of, tables = stream().scenario, stream().tables
    return Base(
        scenario=of.model_copy(
            update={
                "pipeline": PipelineOptions(deploy=()),
                "topology": _topology("kafka"),
                "load": of.load.model_copy(update={"readers": None}),
            }
        ),
        tables={
            "plan": STREAM_PLAN,
            "operations": [row for row in tables["operations"] if row["kind"] == "produce"],
            "readback_events": [row for row in tables["readback_events"] if row["topic"] == "events"],
            "samples": [*_samples(), *_copies(hot_store=False)],
        },
        course=COURSE,
    )


def _reads() -> Rows:
    """Of the prober twice a second, of each kind of reader once a second."""
    reads = [sent(-1, -1, kind="hot_read", count=1, **_took(n / 2, 4)) for n in range(140)]
    for kind in ("hot_point_read", "hot_range_read"):
        reads += [sent(-1, -1, kind=kind, count=1, bytes=100, **_took(n, 5)) for n in range(SECONDS)]
    return reads


def _took(at_s: float, ms: int) -> dict[str, Any]:
    due = round(at_s * SECOND_NS)
    return {"intended_ns": due, "started_ns": due, "completed_ns": due + ms * 1_000_000}


def _samples() -> Rows:
    rows = [
        row
        for at_s in range(70)
        for row in (
            sample("source_end_offset", at_s, min(at_s, SECONDS), "events"),
            sample("stream_lag_events", at_s, min(1, at_s), "events"),
            sample("hot_lag_events", at_s, 0, "events_valid"),
            sample("job_running", at_s, 1),
        )
    ]
    left = [sample("undrained_events", 65, 0, topic) for topic in ("events", "events_valid")]
    return [*rows, *left, sample("drain_complete", 65, 1)]


def _hot_events() -> Rows:
    kept = [row for row in STREAM_PLAN if row["kind"] in ("valid", "closing")]
    names = ("event_id", "event_type", "entity_id", "category", "value")
    return [
        {**{name: row[name] for name in names}, "event_time_ms": ORIGIN_MS + int(str(row["event_offset_ms"]))}
        for row in kept
    ]


def _probed() -> dict[str, Rows]:
    """Every event seen a second after it was sent; one window two seconds after it could be complete."""
    events = [
        {
            "store": "hot_events",
            "event_id": f"e{n}",
            "event_time_ms": ORIGIN_MS + n * 60_000,
            "window_kind": "",
        }
        for n in range(SECONDS)
        if n != LATE
    ]
    # The window from minute 10 to 15 can be complete when minute 15 comes, at 15 s.
    window = {"store": "hot_windows", "key": "UA", "window_kind": "tumbling"}
    ended = {**window, "event_time_ms": ORIGIN_MS + 900_000, "window_start_ms": ORIGIN_MS + 600_000}
    seen = [{**row, "at_ns": (int(str(row["event_id"])[1:]) + 1) * SECOND_NS} for row in events]
    return {"sought": events, "seen": [*seen, {**ended, "at_ns": 17 * SECOND_NS}]}


def _hot_writes() -> tuple[HotWriteLine, ...]:
    epoch_ns = run_info().epoch_unix_ns
    return tuple(
        HotWriteLine(at_unix_ns=epoch_ns + s * SECOND_NS, duration_us=4000, rows=1, table="recent_events")
        for s in range(SECONDS)
    )


def _windows(base: Base) -> list[dict[str, Any]]:
    of = base.with_()
    derive_windows(of)
    return of.rows(
        "SELECT * EXCLUDE (scaled_sum, scaled_magnitude),"
        " CASE WHEN measured > 0 THEN scaled_sum / $scale END AS value_sum"
        " FROM oracle_windows WHERE window_end_ms <= $until ORDER BY ALL",
        {"until": closed_until_ms(of), "scale": SCALE},
    )


@cache
def batch() -> Base:
    """A day through the lake, carried out again with nothing new."""
    of = scenario(
        topology=_topology("kafka"),
        pipeline=PipelineOptions(deploy=("lake",)),
        lake=LakeStage(steps=(RunDays(days=(1,), scans=(1,)), Rerun(days=(1,)))),
        faults=(KILL,),
        load=Load(
            trace=Path("trace.yaml"),
            event_span=3600.0,
            duration=60.0,
            inject=Inject(malformed=0.01, duplicate=0.01),
        ),
    )
    right = lake_histories.right_day()
    held = {"step": 2, "table": "silver/events", "event_date": DAY, "rows": 3, "checksum": 17}
    scan = {"at_ns": 65 * SECOND_NS, "query": "one day", "files_read": 1, "files_all": 90}
    given: dict[str, Rows] = {
        "readback_events": lake_histories.SOURCE,
        "operations": [_sent(seq, 10 * seq) for seq in range(6)],
        "samples": _copies(hot_store=False),
        "lake_contents": [{**held, "moment": "before"}, {**held, "moment": "after"}],
        "lake_scans": [{**scan, "bytes_read": 2, "bytes_all": 100}],
        **right,
    }
    return Base(scenario=of, tables=lake_histories.source(**given), course=COURSE)


TRACE: Rows = tuple(
    {
        "partition": 0,
        "first_event": 10 * n,
        "count": 10,
        "base_timestamp_ms": 500 * n,
        "last_event_ms": 500 * n + 499,
        "records_crc": 11 * (n + 1),
    }
    for n in range(2)
)
"""Two batches of ten events each."""


@cache
def record_batches() -> Base:
    """A minute of whole batches, ten events a second, by a profile."""
    of = scenario(
        topology=_topology("kafka"),
        pipeline=PipelineOptions(deploy=()),
        faults=(KILL,),
        load=Load(
            trace=Path("trace.yaml"),
            event_span=3600.0,
            duration=60.0,
            path="record_batches",
            profile=Constant(rate=10),
        ),
    )
    tables: dict[str, Rows] = {
        "encoded": TRACE,
        "operations": [{**sent(10 * n, 10 * n + 9), **_took(n, 10)} for n in range(SECONDS)],
        "readback_record_batches": [
            {
                "partition": 0,
                "offset": 10 * n,
                "count": 10,
                "base_timestamp_ms": ORIGIN_MS + 1000 * (n // 2) + 500 * (n % 2),
                "records_crc": 11 * (n % 2 + 1),
            }
            for n in range(SECONDS)
        ],
        "samples": _copies(hot_store=False),
    }
    return Base(scenario=of, tables=tables, course=COURSE)


BASES = {"stream": stream, "topics": topics, "lake": batch, "record_batches": record_batches}
