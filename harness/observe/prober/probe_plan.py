"""The prober's configuration and targets: a sample of the plan's events, and windows of busy keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow.dataset as ds
from pydantic import Field

from harness.base.clocks import Clocks
from harness.base.database import database_in_memory
from harness.base.event_clock import EventClock, day_of
from harness.base.process_config import ProcessConfig

_BUSIEST: Final = """
CREATE TEMP TABLE busiest AS
SELECT entity_id, events, sum(events) OVER (ORDER BY events DESC, entity_id) AS events_so_far,
       row_number() OVER (ORDER BY events DESC, entity_id) AS place
FROM (SELECT entity_id, count(*) AS events FROM plan WHERE kind = 'valid' GROUP BY entity_id)
"""
_SAMPLE: Final = """
WITH candidates AS (
    SELECT *, row_number() OVER (ORDER BY seq) AS nth, count(*) OVER () AS total
    FROM plan WHERE kind = 'valid' AND entity_id IN (
        SELECT entity_id FROM busiest WHERE place <= $entities OR events_so_far - events < $samples
    )
)
SELECT event_id, entity_id, event_offset_ms, send_offset_ms
FROM candidates WHERE nth * $samples // total > (nth - 1) * $samples // total ORDER BY send_offset_ms
"""
_CATEGORIES: Final = """
SELECT category FROM plan WHERE kind = 'valid' GROUP BY category ORDER BY count(*) DESC, category LIMIT $limit
"""


class ProberConfig(ProcessConfig):
    """The configuration of one prober for one run."""

    endpoints: Path
    """The file written by ``Endpoints.save``."""
    plan: Path
    history: Path
    worker: str = "prober-0"
    """The worker's name in the history."""

    clocks: Clocks
    duration_s: float = Field(gt=0)
    """Wall-clock time from the load's first event to its last."""

    reads_per_s: float = Field(default=20.0, gt=0, le=1000)
    samples_per_s: float = Field(default=10.0, gt=0, le=1000)
    """Events to look for from each second of the load."""
    entities: int = Field(default=8, ge=1)
    """The number of busiest entities to sample events from; more where these have too few events."""
    categories: int = Field(default=5, ge=1)
    """The number of busiest categories whose windows to look for."""
    timeout_s: float = Field(default=5.0, gt=0)
    """The time limit of one read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An event to look for from its intended send until it can be read."""

    event_id: str
    entity_id: str
    event_time_ms: int
    send_ns: int

    @property
    def day(self) -> date:
        """The UTC day of the event's partition."""
        return day_of(self.event_time_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowKey:
    """A kind and key whose windows are all looked for."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """Everything that the prober looks for."""

    events: Sequence[Sought]
    """In sending order."""
    windows: Sequence[WindowKey]


def probe_plan(plan: Path, clock: EventClock, *, samples: int, entities: int, categories: int) -> ProbePlan:
    """Choose about ``samples`` valid events, and the windows of the ``categories`` busiest categories.

    The events are spread evenly over those of the ``entities`` busiest entities, or of more where these have
    too few, so that one read can look for several. The choice depends on the plan alone. Raises OSError or
    pyarrow's ArrowException when the plan cannot be read.
    """
    columns = ["seq", "kind", "event_id", "entity_id", "category", "event_offset_ms", "send_offset_ms"]
    with database_in_memory() as connection:
        connection.register("plan", ds.dataset(plan).to_table(columns=columns))
        connection.execute(_BUSIEST)
        sampled = connection.execute(_SAMPLE, {"samples": samples, "entities": entities}).fetchall()
        busiest = connection.execute("SELECT entity_id FROM busiest ORDER BY place LIMIT 1").fetchall()
        named = connection.execute(_CATEGORIES, {"limit": categories}).fetchall()
    return ProbePlan(
        events=tuple(
            Sought(
                event_id=event_id,
                entity_id=entity_id,
                event_time_ms=clock.event_time_ms(event_offset_ms),
                send_ns=clock.send_ns(send_offset_ms),
            )
            for event_id, entity_id, event_offset_ms, send_offset_ms in sampled
        ),
        windows=(
            *(WindowKey(kind=kind, key=c) for (c,) in named for kind in ("tumbling", "hopping")),
            *(WindowKey(kind="session", key=entity) for (entity,) in busiest),
        ),
    )
