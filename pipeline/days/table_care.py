"""What care each table of the lake gets, and giving it: as its only writer, told with files and bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pipeline.days.care import cluster, compact, vacuum
from pipeline.days.events import Cared
from pipeline.days.fencing import Fence, commit_error, spark_errors
from pipeline.days.table_log import log_versions
from pipeline.days.tables import DAY, GOLD_ENTITY_DAYS, SILVER_EVENTS, Table
from pipeline.days.tasks import silver_task
from pipeline.days.tasks.context import Context
from pipeline.days.wanted import CareWanted

_CLUSTERED_BY: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {table.name: ("entity_id",) for table in (SILVER_EVENTS, GOLD_ENTITY_DAYS)}
)
"""What readers ask for one of, in tables whose days may be of several files."""
_LOOKED_UP: Final[Mapping[str, Sequence[str]]] = MappingProxyType({SILVER_EVENTS.name: silver_task.LOOKED_UP})


def care_for(context: Context, table: Table, wanted: CareWanted) -> Iterator[Cared]:
    """Care for a table and for its quarantine, as far as each was ever written.

    Raises TableHeld, LeaseLost, CommitConflict, TableUnreadable, and EngineError for what Spark says.
    """
    for place in (table, table.quarantine):
        if log_versions(context.spark, context.uri(place)):
            with context.writing(table) as leases:
                cared = _cared(context, place, wanted, like=table, fence=leases[table.name])
            yield cared


def _cared(context: Context, place: Table, wanted: CareWanted, *, like: Table, fence: Fence) -> Cared:
    spark, uri, tables = context.spark, context.uri(place), context.stores.tables
    since = wanted.since if DAY in place.partition_columns else None
    by = _CLUSTERED_BY.get(like.name, ()) if wanted.clustered else ()
    looked_up = _LOOKED_UP.get(like.name, ())
    before = tables.live(place.name)
    # Its commit holds no new rows: behind another writer's it removes files that are there, or fails.
    fence.require()
    try:
        done = (
            cluster(spark, uri, by, since=since, looked_up=looked_up)
            if by
            else compact(spark, uri, since=since, looked_up=looked_up)
        )
        stored = _stored(context, place)
        fence.require()
        vacuum(spark, uri)
    except spark_errors() as error:
        raise commit_error(f"care for {place.name}", error, fence) from error
    after, kept = tables.live(place.name), _stored(context, place)
    deleted = {key: size for key, size in stored.items() if key not in kept}
    return Cared(
        table=place.name,
        files_before=len(before),
        files_after=len(after),
        bytes_before=sum(file.bytes for file in before),
        bytes_after=sum(file.bytes for file in after),
        files_rewritten=done.files_removed,
        files_deleted=len(deleted),
        bytes_deleted=sum(deleted.values()),
    )


def _stored(context: Context, place: Table) -> Mapping[str, int]:
    """All files of rows in the table's folder, whichever version they are of; Delta does not tell on S3."""
    sizes = context.objects.sizes(f"{place.name}/")
    return {key: size for key, size in sizes.items() if "/_delta_log/" not in key}
