"""The file of a plan: every event that should be sent, in order, with what was mixed in.

It is derived from (trace, mapping, load, seed) alone, so that it can be made again.
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
    """Rows: everything that is sent."""
    counts: Mapping[str, int]
    """By kind; ``late`` counts the late ones among the valid."""
    span_ms: int
    """The largest event offset, including closing events; see ``event_clock.origin_for``."""
    last_send_ms: int
    """When the last event is sent."""
    trace_events: int = 0
    """How many of the requested events the trace had: as many must be valid ones here."""
    largest_event_bytes: int = 0
    """As an uncompressed record batch of its own; 0 where it is not known."""
    notes: tuple[str, ...] = ()
    """What is odd about its trace but accepted."""

    @staticmethod
    def open(path: Path) -> PlanFile:
        """Read what a plan records about itself. Raises OSError, or ValueError when it is no plan."""
        metadata = pq.read_metadata(path)
        facts = (metadata.metadata or {}).get(_FACTS)
        if facts is None:
            raise ValueError(f"{path} is not a plan")
        own = {field.name for field in fields(PlanFile)}
        # Plans of runs recorded earlier hold a fact more.
        known = {name: value for name, value in json.loads(facts).items() if name in own}
        notes = tuple(known.pop("notes", ()))
        return PlanFile(path=path, events=metadata.num_rows, notes=notes, **known)

    def require_whole(self) -> None:
        """Raises RunError unless the file has as many events of each kind as were written into it."""
        kinds = pq.read_table(self.path, columns=["kind"])["kind"].cast(pa.string())
        found = Counter({row["values"]: row["counts"] for row in pc.value_counts(kinds).to_pylist()})
        written = Counter({kind: count for kind, count in self.counts.items() if kind != "late"})
        if found != written or found["valid"] != self.trace_events:
            raise RunError(
                f"{self.path} has {found['valid']:,} of the trace's {self.trace_events:,} events, and"
                f" {found.total():,} of {written.total():,} sendings: it was changed after it was made;"
                " remove it, and the next run makes it again"
            )

    def facts(self) -> dict[str, str]:
        """What a plan records about itself, as metadata of its file."""
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
