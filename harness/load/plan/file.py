"""The plan of a replay: every event that is to be sent, in order, with what was mixed in. Derived from
(trace, mapping, load, seed) alone, so that it can be made again; cached by the digest of these.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.backends.protocol import Report
from harness.errors import RunError
from harness.load.plan.key import plan_key
from harness.load.traces.mapping import AnyMapping, read_mapping
from harness.load.traces.source import trace_digest, trace_of
from harness.scenario.model import Scenario

PLAN = pa.schema(
    [
        ("seq", pa.int64()),  # 0, 1, 2, ... in order of send_offset_ms
        ("kind", pa.dictionary(pa.int8(), pa.string())),  # valid | duplicate | conflict | malformed | closing
        ("late", pa.bool_()),  # sent inject.late_by after its event time
        ("original_seq", pa.int64()),  # of the event that a duplicate or conflict repeats; else its own
        ("event_offset_ms", pa.int64()),  # event time, counted from the event clock's origin
        ("send_offset_ms", pa.int64()),  # when to send it, on the event clock, counted from its origin
        ("event_id", pa.string()),  # null for malformed
        ("event_type", pa.string()),
        ("entity_id", pa.string()),  # also the Kafka key
        ("category", pa.string()),
        ("reference_id", pa.string()),  # nullable
        ("value", pa.float64()),  # nullable
        ("quantity", pa.int64()),  # nullable
        ("attributes", pa.string()),  # nullable; a JSON object of strings, keys sorted
        ("payload", pa.binary()),  # the record's value as sent: JSON per the contract, or broken
        ("fault", pa.string()),  # malformed only: the kind of damage, such as truncated
    ]
)
"""A ``duplicate`` repeats a valid event byte by byte. A ``conflict`` has a valid event's identity, (event_id,
event time), and entity, and another value: of the two the first to arrive is kept, which the source topic's
order tells (harness/oracle/events.py).

``closing`` events are ordinary valid events, a few for each partition, sent last, with event times past
every window of the trace, so that the watermark closes those windows (harness/load/plan/closing.py). Their
own windows stay open, and the oracle expects only windows that end at or before the closing events' time less
the watermark's delay.

Event times are ``origin_ms + event_offset_ms``, where the run chooses the origin so that the event clock
never runs ahead of the wall clock. No event is sent before its time on the event clock, but for the closing
ones.
"""

_FACTS: Final = b"floodmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan in the cache. Offsets are milliseconds on the event clock, from its origin."""

    path: Path
    key: str
    events: int
    """Rows: everything that is sent."""
    counts: Mapping[str, int]
    """By kind, and ``late`` of the valid ones."""
    span_ms: int
    """The largest event offset, that of the closing events included; see ``clock.origin_for``."""
    last_send_ms: int
    """When the last event is sent."""
    close_ms: int
    """The event offset that the watermark reaches at least: windows that end by then must have closed."""
    trace_events: int = 0
    """What the trace had of the events asked for: as many must be valid ones here."""
    largest_event_bytes: int = 0
    """As a batch of its own that is not compressed; 0 where nobody looked."""
    notes: tuple[str, ...] = ()
    """What is odd about its trace, and yet accepted."""

    @staticmethod
    def open(path: Path) -> PlanFile:
        """Read what a plan says of itself. Raises OSError, or ValueError when it is no plan."""
        metadata = pq.read_metadata(path)
        facts = (metadata.metadata or {}).get(_FACTS)
        if facts is None:
            raise ValueError(f"{path} is not a plan")
        told = json.loads(facts)
        notes = tuple(told.pop("notes", ()))
        return PlanFile(path=path, events=metadata.num_rows, notes=notes, **told)

    def require_whole(self) -> None:
        """Raises RunError unless the file has as many events of each kind as were written into it."""
        kinds = pq.read_table(self.path, columns=["kind"])["kind"].cast(pa.string())
        found = Counter({row["values"]: row["counts"] for row in pc.value_counts(kinds).to_pylist()})
        told = Counter({kind: count for kind, count in self.counts.items() if kind != "late"})
        if found != told or found["valid"] != self.trace_events:
            raise RunError(
                f"{self.path} has {found['valid']:,} of the trace's {self.trace_events:,} events, and"
                f" {found.total():,} of {told.total():,} sendings: it was changed after it was made; remove"
                " it, and the next run makes it again"
            )

    def facts(self) -> dict[str, str]:
        """What a plan says of itself, as metadata of its file."""
        facts = {
            "key": self.key,
            "counts": dict(self.counts),
            "span_ms": self.span_ms,
            "last_send_ms": self.last_send_ms,
            "close_ms": self.close_ms,
            "trace_events": self.trace_events,
            "largest_event_bytes": self.largest_event_bytes,
            "notes": self.notes,
        }
        return {_FACTS.decode(): json.dumps(facts)}


def plan_path(trace_digest: str, mapping: AnyMapping, scenario: Scenario, *, plans: Path) -> Path:
    """Where the plan of a scenario is, or is to be: its name is its key."""
    return plans / f"{plan_key(trace_digest=trace_digest, mapping=mapping, scenario=scenario)}.parquet"


def build_plan(scenario: Scenario, *, cache: Path, report: Report) -> PlanFile:
    """The scenario's plan, out of the cache or built into it.

    Raises InvalidInput with everything that is wrong with the mapping or the trace, ``ArtifactError`` when a
    data set cannot be had, and RunError when the plan does not hold the trace.
    """
    mapping, document = read_mapping(scenario.load.trace)
    trace = trace_of(mapping, document, scenario.load.trace, seed=scenario.seed, report=report)
    plans = cache / "plans"
    target = plan_path(trace_digest(trace, cache=plans), mapping, scenario, plans=plans)
    if not target.is_file():
        # DuckDB takes a while to import, and a plan that is cached needs none.
        from harness.load.plan.build import build_into  # noqa: PLC0415

        build_into(target, scenario, trace, target.stem, report)
    plan = PlanFile.open(target)
    plan.require_whole()
    for note in plan.notes:
        report(f"warning: {note}")
    return plan
