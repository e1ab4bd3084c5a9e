"""The landing task: new records of the topic, and the newest snapshots of the reference tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from pipeline.contract.topics import EVENTS
from pipeline.days.landing.land import land, landed_since
from pipeline.days.landing.reference import load_reference
from pipeline.days.tables.delta_tables import LANDING_EVENTS, REFERENCE_ASSETS, REFERENCE_CATEGORIES
from pipeline.days.tables.fencing import Fence
from pipeline.days.tasks.context import REFERENCES, Context
from pipeline.days.tasks.lake_jobs import LAND
from pipeline.days.tasks.open_days import following, recorded
from pipeline.days.tasks.task import Input, Landings, Output, TaskResult
from pipeline.lifecycle.archive_record import archived_days


def land_until(context: Context, end_of: date | None) -> TaskResult:
    """Land what the topic held when this day ended by the records' own times, or everything."""
    with context.writing(LANDING_EVENTS, REFERENCE_CATEGORIES, REFERENCE_ASSETS) as leases:
        references = _load_references(context, leases)
        landed = land(
            context.spark,
            context.endpoints.kafka,
            context.uri(LANDING_EVENTS),
            fence=leases[LANDING_EVENTS.name],
            until_ms=None if end_of is None else _end_ms(end_of),
            offsets=context.options.landing_offsets,
        )
        landings = landings_of(context)
    if landed is None:
        return TaskResult(
            outcome="promoted", inputs=references, landings=landings, notes=("nothing new in the topic",)
        )
    rows = sum(landed.rows_by_day.values())
    output = Output(
        table=LANDING_EVENTS.name, version=landed.version, rows=rows, files=landed.files, bytes=landed.bytes
    )
    offsets = (
        Input(name=f"{EVENTS}-{r.partition}", version=f"{r.start}..{r.end}") for r in landed.commit.ranges
    )
    return TaskResult(
        outcome="promoted",
        inputs=(*references, *offsets),
        outputs=(output,),
        counts={"read": rows, "written": rows},
        landings=landings,
        notes=_late(context, landed.rows_by_day),
    )


def landings_of(context: Context) -> Landings:
    """Return what the landing table has received so far."""
    known = recorded(context.records, LAND)
    return following(known, landed_since(context.spark, context.uri(LANDING_EVENTS), known.version))


def _late(context: Context, rows_by_day: Mapping[date, int]) -> tuple[str, ...]:
    """Describe what arrived for days that are no longer run."""
    archived = archived_days(context.stores.policy, context.objects)
    return tuple(
        f"{rows:,} records of {day} came after it went into the archive; they stay in {LANDING_EVENTS.name}"
        for day, rows in sorted(rows_by_day.items())
        if day in archived
    )


def _load_references(context: Context, leases: Mapping[str, Fence]) -> tuple[Input, ...]:
    loaded = (
        load_reference(context.spark, context.objects, context.uri(table), contract, fence=leases[table.name])
        for table, contract in REFERENCES.items()
    )
    return tuple(Input(name=found.key, version=found.etag) for found in loaded if found is not None)


def _end_ms(day: date) -> int:
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    return round(midnight.timestamp() * 1000)
