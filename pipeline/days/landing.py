"""Landing: every record of the source topic, once, as it is, by day and type of event.

Which records a commit holds is fixed before any is read, and stands in the commit itself: who dies before the
commit has landed nothing, and who comes after begins where the last commit ends. That two commits of the
same number cannot both be is Delta's own promise (txnAppId and txnVersion).

Spark's own source reads them: one task a partition, decompressed and parsed by Kafka's client in the same
process that writes, so that no record passes through Python.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pipeline.contract.topics import EVENTS
from pipeline.days.fencing import Fence, commit_error, spark_errors
from pipeline.days.offsets import LandingCommit, Offsets, next_commit
from pipeline.days.table_commits import added_files, newest_commits
from pipeline.days.table_log import log_versions
from pipeline.days.tables import DAY, LANDING_EVENTS
from pipeline.days.topic_offsets import available
from pipeline.endpoints import KafkaEndpoint
from pipeline.errors import CommitConflict, RecordsGone, TableUnreadable
from pipeline.security import require_plaintext

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

UNREADABLE: Final = "_unreadable"
"""The type of an event whose value has none that the contract would take. No event type begins so."""
_NAME: Final = '"event_type"'
_WORD: Final = "[a-z][a-z0-9_]{0,63}"
_HISTORY: Final = (1, 100, 10_000)
_MS_A_DAY: Final = 86_400_000

Write = Callable[["DataFrame", str, LandingCommit], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What one landing did."""

    commit: LandingCommit
    version: int
    """Of the table."""
    rows_by_day: Mapping[date, int]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedVersion:
    """A version of the table, and the days of which it has new records."""

    version: int
    days: frozenset[date]


def write_commit(rows: DataFrame, uri: str, commit: LandingCommit) -> None:
    """Write rows and commit in one transaction; nothing if a commit of this number is there."""
    (
        rows.write.format("delta")
        .mode("append")
        .partitionBy(*LANDING_EVENTS.partition_columns)
        .option("txnAppId", LANDING_EVENTS.name)
        .option("txnVersion", commit.number)
        .option("userMetadata", commit.dumps())
        .option("compression", "snappy")
        # Else every task writes a file for each day and type of its Kafka partition.
        .option("optimizeWrite", "true")
        .save(uri)
    )


def land(
    spark: SparkSession,
    kafka: KafkaEndpoint,
    uri: str,
    *,
    fence: Fence,
    until_ms: int | None = None,
    offsets: Offsets = "from_commit",
    write: Write = write_commit,
) -> Landed | None:
    """Land what is new in the source topic; None when nothing is.

    ``until_ms`` is a moment of event time in ms since 1970: of each partition, what stands before the first
    record of this time or a later one. The commit's own number is what fences it: the table takes each once.
    Raises LeaseLost, RecordsGone, CommitConflict, TableUnreadable, NotReady,
    KafkaFailed, and EngineError for what Spark says.
    """
    require_plaintext(kafka.security)
    last = last_commit(spark, uri)
    commit = next_commit(last, EVENTS, available(kafka, EVENTS, until_ms=until_ms), offsets=offsets)
    if commit is None:
        return None
    rows = _records(spark, kafka, commit)
    fence.require()
    _written(write, rows, uri, commit, fence)
    version = _version_of(spark, uri, commit)
    files = added_files(spark, uri, [version])[version]
    rows_by_day: Counter[date] = Counter()
    for file in files:
        rows_by_day[file.event_date] += file.rows
    return Landed(
        commit=commit,
        version=version,
        rows_by_day=dict(sorted(rows_by_day.items())),
        files=len(files),
        bytes=sum(file.bytes for file in files),
    )


def last_commit(spark: SparkSession, uri: str) -> LandingCommit | None:
    """The newest commit of landing; None when nothing was ever landed. Raises TableUnreadable."""
    for limit in _HISTORY:
        commits = newest_commits(spark, uri, limit=limit)
        for commit in commits:
            if found := LandingCommit.loads(commit.user_metadata):
                return found
        if not commits or commits[-1].version == 0:
            # Others than landing do commit: care for the table does.
            return None
    raise TableUnreadable(
        f"{uri}: none of the last {len(commits)} commits says which offsets it holds, and older ones are"
        " gone; what is new cannot be told"
    )


def landed_since(spark: SparkSession, uri: str, version: int) -> tuple[LandedVersion, ...]:
    """The table's versions after this one, and of which days they have new records; -1 for all of them.

    For those that Delta has forgotten the last of them stands, with every day of the table: to take a day for
    grown costs its being carried out once more. Raises TableUnreadable.
    """
    there = sorted(number for number in log_versions(spark, uri) if number > version)
    found = [
        LandedVersion(version=number, days=frozenset(file.event_date for file in files))
        for number, files in added_files(spark, uri, there).items()
    ]
    if there and there[0] > version + 1:
        found.insert(0, LandedVersion(version=there[0] - 1, days=_days_of(spark, uri)))
    return tuple(found)


def _days_of(spark: SparkSession, uri: str) -> frozenset[date]:
    rows = spark.read.format("delta").load(uri).select(DAY).distinct().collect()
    return frozenset(row[DAY] for row in rows)


def _records(spark: SparkSession, kafka: KafkaEndpoint, commit: LandingCommit) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: PLC0415

    partitions = [r.partition for r in commit.ranges]
    read = (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", kafka.bootstrap)
        .option("kafka.isolation.level", "read_committed")
        .option("assign", json.dumps({commit.topic: partitions}))
        .option("startingOffsets", json.dumps({commit.topic: {r.partition: r.start for r in commit.ranges}}))
        .option("endingOffsets", json.dumps({commit.topic: {r.partition: r.end for r in commit.ranges}}))
        .option("failOnDataLoss", "true")
        .load()
    )
    day = F.floor(F.unix_millis("timestamp") / F.lit(_MS_A_DAY)).cast("int")
    return read.select(
        "topic",
        "partition",
        "offset",
        "key",
        "value",
        F.col("timestamp").alias("event_time"),
        _event_type(F.col("value").cast("string")).alias("event_type"),
        F.date_from_unix_date(day).alias("event_date"),
    )


def _event_type(text: Column) -> Column:
    """A reader's reading, not the contract's; but no value makes a partition that no event type has.

    To parse the JSON of each takes twice the processor time of all the rest of reading it (9 s a million, the
    expressions 2.5 s), so it is parsed only where the name is not there exactly once.
    """
    from pyspark.sql import functions as F  # noqa: PLC0415

    named = F.regexp_extract(text, rf"{_NAME}\s*:\s*\"({_WORD})\"", 1)
    once = F.regexp_count(text, F.lit(_NAME)) == 1
    said = F.when(once, named).otherwise(F.get_json_object(text, "$.event_type"))
    no_word = rf"(?s)^(?!{_WORD}\z).*"
    return F.regexp_replace(F.coalesce(said, F.lit("")), no_word, UNREADABLE)


def _written(write: Write, rows: DataFrame, uri: str, commit: LandingCommit, fence: Fence) -> None:
    try:
        write(rows, uri, commit)
    except spark_errors() as error:
        said = str(error)
        if "KAFKA_DATA_LOSS" in said:
            raise RecordsGone([f"{commit.topic}: {said.splitlines()[0]}"]) from error
        raise commit_error(uri, error, fence) from error


def _version_of(spark: SparkSession, uri: str, commit: LandingCommit) -> int:
    """Where the commit stands. When another of its number was there before, Delta wrote nothing."""
    for found in newest_commits(spark, uri, limit=_HISTORY[1]):
        if LandingCommit.loads(found.user_metadata) == commit:
            return found.version
    raise CommitConflict(_conflict(uri, commit))


def _conflict(uri: str, commit: LandingCommit) -> str:
    return f"{uri}: another writer made commit {commit.number} of landing first; land again for what it left"
