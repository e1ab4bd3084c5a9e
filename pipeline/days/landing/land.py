"""Lands every record of the source topic exactly once, unchanged, by day and event type.

The offset ranges of a commit are fixed before any record is read, and are stored in the commit itself. A
process that dies before the commit has landed nothing, and the next one starts where the last commit ends.
Delta guarantees that no two commits have the same number (txnAppId and txnVersion).

Spark's own source reads the records, with one task per partition. Kafka's client decompresses and parses
them in the process that also writes them, so no record passes through Python.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import CommitConflict, RecordsGone, TableUnreadable
from pipeline.base.security import require_plaintext
from pipeline.contract.topics import EVENTS
from pipeline.days.landing.landing_offsets import LandingCommit, Offsets, next_commit
from pipeline.days.landing.topic_offsets import available
from pipeline.days.tables.delta_log import added_files, log_versions, newest_commits
from pipeline.days.tables.delta_tables import DAY, LANDING_EVENTS
from pipeline.days.tables.fencing import Fence, commit_error, spark_errors

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

UNREADABLE: Final = "_unreadable"
"""The type of an event whose value has no valid one. No event type starts with an underscore."""
_NAME: Final = '"event_type"'
_WORD: Final = "[a-z][a-z0-9_]{0,63}"
_HISTORY: Final = (1, 100, 10_000)
_MS_A_DAY: Final = 86_400_000

Write = Callable[["DataFrame", str, LandingCommit], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The result of one landing."""

    commit: LandingCommit
    version: int
    """The table's version."""
    rows_by_day: Mapping[date, int]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedVersion:
    """A version of the table, and the days for which it added records."""

    version: int
    days: frozenset[date]


def write_commit(rows: DataFrame, uri: str, commit: LandingCommit) -> None:
    """Write rows and commit in one transaction; a no-op if a commit with this number exists."""
    (
        rows.write.format("delta")
        .mode("append")
        .partitionBy(*LANDING_EVENTS.partition_columns)
        .option("txnAppId", LANDING_EVENTS.name)
        .option("txnVersion", commit.number)
        .option("userMetadata", commit.dumps())
        .option("compression", "snappy")
        # Otherwise every task writes a file for each day and type of its Kafka partition.
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
    """Land what is new in the source topic; None if nothing is.

    ``until_ms`` is an event time in ms since 1970: each partition is landed up to its first record of this
    time or later. The commit is fenced by its number, which the table accepts only once. Raises LeaseLost,
    RecordsGone, CommitConflict, TableUnreadable, NotReady, KafkaFailed, and EngineError for other errors of
    Spark.
    """
    require_plaintext(kafka.security)
    last = last_commit(spark, uri)
    commit = next_commit(last, EVENTS, available(kafka, EVENTS, until_ms=until_ms), offsets=offsets)
    if commit is None:
        return None
    rows = _records(spark, kafka, commit)
    fence.require()
    _write(write, rows, uri, commit, fence)
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
    """Return the newest commit of landing; None if nothing was ever landed. Raises TableUnreadable."""
    for limit in _HISTORY:
        commits = newest_commits(spark, uri, limit=limit)
        for commit in commits:
            if found := LandingCommit.loads(commit.user_metadata):
                return found
        if not commits or commits[-1].version == 0:
            # Landing is not the only writer: maintenance commits as well.
            return None
    raise TableUnreadable(
        f"{uri}: none of the last {len(commits)} commits says which offsets it holds, and older ones are"
        " gone; what is new cannot be determined"
    )


def landed_since(spark: SparkSession, uri: str, version: int) -> tuple[LandedVersion, ...]:
    """Return the table's versions after this one, with the days that each added to; -1 for all versions.

    Versions that Delta has forgotten are represented by the last of them, with every day of the table: a day
    that is wrongly taken for grown is merely run once more. Raises TableUnreadable.
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
    """Return the event type to partition by. It is not validated, but only well-formed types get partitions.

    Parsing every JSON value takes twice the CPU time of all other reading (9 s per million; the expressions
    take 2.5 s), so a value is only parsed if the name does not occur in it exactly once.
    """
    from pyspark.sql import functions as F  # noqa: PLC0415

    named = F.regexp_extract(text, rf"{_NAME}\s*:\s*\"({_WORD})\"", 1)
    once = F.regexp_count(text, F.lit(_NAME)) == 1
    found = F.when(once, named).otherwise(F.get_json_object(text, "$.event_type"))
    no_word = rf"(?s)^(?!{_WORD}\z).*"
    return F.regexp_replace(F.coalesce(found, F.lit("")), no_word, UNREADABLE)


def _write(write: Write, rows: DataFrame, uri: str, commit: LandingCommit, fence: Fence) -> None:
    try:
        write(rows, uri, commit)
    except spark_errors() as error:
        message = str(error)
        if "KAFKA_DATA_LOSS" in message:
            raise RecordsGone([f"{commit.topic}: {message.splitlines()[0]}"]) from error
        raise commit_error(uri, error, fence) from error


def _version_of(spark: SparkSession, uri: str, commit: LandingCommit) -> int:
    """Return the commit's version. If another commit with its number came first, Delta wrote nothing."""
    for found in newest_commits(spark, uri, limit=_HISTORY[1]):
        if LandingCommit.loads(found.user_metadata) == commit:
            return found.version
    raise CommitConflict(_conflict(uri, commit))


def _conflict(uri: str, commit: LandingCommit) -> str:
    return f"{uri}: another writer made commit {commit.number} of landing first; land again for what it left"
