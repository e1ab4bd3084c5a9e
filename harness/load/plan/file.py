"""The file of a plan: every event that is to be sent, in order, with what was mixed in.

Derived from (trace, mapping, load, seed) alone, so that it can be made again.
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

from harness.base.errors import RunError

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
