"""Maintains the lake's tables: changes how rows are stored in files, and never the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from pyspark.sql import SparkSession

from pipeline.days.job_request import CareRequest
from pipeline.days.tables.delta_log import log_versions
from pipeline.days.tables.delta_tables import DAY, GOLD_ENTITY_DAYS, SILVER_EVENTS, Table
from pipeline.days.tables.fencing import Fence, commit_error, spark_errors
from pipeline.days.tables.publish import bloom_filters
from pipeline.days.tasks import silver_task
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.job_events import Cared

_CLUSTERED_BY: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {table.name: ("entity_id",) for table in (SILVER_EVENTS, GOLD_ENTITY_DAYS)}
)
"""Columns that readers filter by a single value, in tables whose days may have several files."""
_LOOKED_UP: Final[Mapping[str, Sequence[str]]] = MappingProxyType({SILVER_EVENTS.name: silver_task.LOOKED_UP})


def care_for(context: Context, table: Table, request: CareRequest) -> Iterator[Cared]:
    """Maintain a table and its quarantine, if they exist.

    Raises TableHeld, LeaseLost, CommitConflict, TableUnreadable, and EngineError for other errors of Spark.
    """
    for place in (table, table.quarantine):
        if log_versions(context.spark, context.uri(place)):
            with context.writing(table) as leases:
                cared = _cared(context, place, request, like=table, fence=leases[table.name])
            yield cared


def _cared(context: Context, place: Table, request: CareRequest, *, like: Table, fence: Fence) -> Cared:
    spark, uri, tables = context.spark, context.uri(place), context.stores.tables
    since = request.since if DAY in place.partition_columns else None
    by = _CLUSTERED_BY.get(like.name, ()) if request.clustered else ()
    looked_up = _LOOKED_UP.get(like.name, ())
    before = tables.live(place.name)
    # No fencing token: the commit adds no rows, so after another writer's it removes existing files or fails.
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
    """Return all data files in the table's folder, of any version; Delta does not report them on S3."""
    sizes = context.objects.sizes(f"{place.name}/")
    return {key: size for key, size in sizes.items() if "/_delta_log/" not in key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """How many of a table's files a rewrite replaced."""

    files_removed: int
    files_added: int


def compact(
    spark: SparkSession, table_uri: str, *, since: date | None = None, looked_up: Sequence[str] = ()
) -> Rewritten:
    """Merge small files, each of which costs a request and a footer. Large files are left alone.

    ``since`` is the first day to compact. ``looked_up`` is the same as for ``publish``: a file that is
    rewritten without it loses its Bloom filters.
    """
    return _optimize(spark, table_uri, since, "", looked_up)


def cluster(
    spark: SparkSession,
    table_uri: str,
    by: Sequence[str],
    *,
    since: date | None = None,
    looked_up: Sequence[str] = (),
) -> Rewritten:
    """Store rows with similar values in these columns in the same files, so that filters skip the others.

    This uses Z-order: Delta's liquid clustering does not support partitioned tables, and partitions are what
    makes a day replaceable and prunable. Z-order rewrites every file of the days, so it is meant for days
    that no longer change.
    """
    return _optimize(spark, table_uri, since, f" ZORDER BY ({', '.join(map(_quoted, by))})", looked_up)


def vacuum(spark: SparkSession, table_uri: str) -> None:
    """Delete files that no version of the last week refers to.

    The table property ``delta.deletedFileRetentionDuration`` can change the week. Readers and writers that
    take longer than that lose their files.
    """
    spark.sql(f"VACUUM delta.`{table_uri}`")


def _optimize(
    spark: SparkSession, table_uri: str, since: date | None, order: str, looked_up: Sequence[str]
) -> Rewritten:
    days = f" WHERE {DAY} >= '{since}'" if since else ""
    with bloom_filters(spark, looked_up):
        done = spark.sql(f"OPTIMIZE delta.`{table_uri}`{days}{order}").collect()[0].metrics
    return Rewritten(files_removed=done.numFilesRemoved, files_added=done.numFilesAdded)


def _quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"
