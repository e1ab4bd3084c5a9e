"""The file of a plan: every event to be sent, in order, including injected ones.

It is derived only from (trace, mapping, load, seed), so that it can be built again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.errors import RunError

_FACTS: Final = b"floodmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan in the cache. Offsets are milliseconds on the event clock, from its origin."""

    path: Path
    key: str
    events: int
    """Number of rows: everything that is sent."""
    counts: Mapping[str, int]
    """Rows by kind; ``late`` counts the late valid events."""
    span_ms: int
    """The largest event offset, including closing events; see ``event_clock.origin_for``."""
    last_send_ms: int
    """When the last event is sent."""
    trace_events: int = 0
    """How many of the requested events the trace has; the plan must have as many valid ones."""
    largest_event_bytes: int = 0
    """Size as an uncompressed record batch of its own; 0 if unknown."""
    notes: tuple[str, ...] = ()
    """Warnings about accepted oddities of the trace."""

    @staticmethod
    def open(path: Path) -> PlanFile:
        """Read a plan's metadata. Raises OSError, or ValueError if the file is not a plan."""
        metadata = pq.read_metadata(path)
        facts = (metadata.metadata or {}).get(_FACTS)
        if facts is None:
            raise ValueError(f"{path} is not a plan")
        own = {field.name for field in fields(PlanFile)}
        # Plans of earlier runs contain a field that no longer exists.
        known = {name: value for name, value in json.loads(facts).items() if name in own}
        notes = tuple(known.pop("notes", ()))
        return PlanFile(path=path, events=metadata.num_rows, notes=notes, **known)

    def require_complete(self) -> None:
        """Raise RunError unless the file has as many events of each kind as were written."""
        kinds = pq.read_table(self.path, columns=["kind"])["kind"].cast(pa.string())
        found = Counter({row["values"]: row["counts"] for row in pc.value_counts(kinds).to_pylist()})
        written = Counter({kind: count for kind, count in self.counts.items() if kind != "late"})
        if found != written or found["valid"] != self.trace_events:
            raise RunError(
                f"{self.path} has {found['valid']:,} of the trace's {self.trace_events:,} events, and"
                f" {found.total():,} of {written.total():,} sendings: it was changed after it was built;"
                " remove it, and the next run will rebuild it"
            )

    def facts(self) -> dict[str, str]:
        """The plan's metadata, as stored in its file."""
        facts = {
            "key": self.key,
            "counts": dict(self.counts),
            "span_ms": self.span_ms,
            "last_send_ms": self.last_send_ms,
            "trace_events": self.trace_events,
            "largest_event_bytes": self.largest_event_bytes,
            "notes": self.notes,
        }
        return {_FACTS.decode(): json.dumps(facts)}
