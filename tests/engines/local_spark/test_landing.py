"""Landing on a real Kafka: every record once, whatever came in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from pyspark.sql import DataFrame, SparkSession

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import CommitConflict, RecordsGone
from pipeline.base.kafka import Topics
from pipeline.base.options import TopicOptions
from pipeline.contract.topics import EVENTS
from pipeline.days.landing.land import (
    Landed,
    LandedVersion,
    land,
    landed_since,
    last_commit,
    write_commit,
)
from pipeline.days.landing.landing_offsets import LandingCommit
from pipeline.days.tables.delta_tables import LANDING_EVENTS
from tests.engines.kafka_platform import one_broker, platform_of
from tests.only_writer import OnlyWriter

# Py4J closes its connections when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
TEN_YEARS_S = 10 * 365 * 86_400


class Killed(Exception):
    """What a test raises where a process is to die."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaEndpoint]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kafka")
        patch.setenv("FLOODMARK_STATE", str(folder / "state"))
        with platform_of(folder, kafka=one_broker()) as platform:
            yield platform.endpoints.kafka


@pytest.fixture
def kafka(broker: KafkaEndpoint) -> Iterator[KafkaEndpoint]:
    topics = Topics(broker)
    topics.create([EVENTS], TopicOptions(partitions=2, retention_s=TEN_YEARS_S))
    yield broker
    topics.delete([EVENTS])


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "landing" / "events")


def ms(day: date, hour: int = 12) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp() * 1000)


def send(kafka: KafkaEndpoint, values: Sequence[bytes], *, at_ms: int = ms(FIRST)) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for number, value in enumerate(values):
        producer.produce(EVENTS, value, key=b"EWR", partition=number % 2, timestamp=at_ms)
    assert producer.flush(30) == 0


def event(number: int, event_type: str = "departure") -> bytes:
    return f'{{"event_id": "{number}", "event_type": "{event_type}"}}'.encode()


def landed(spark: SparkSession, kafka: KafkaEndpoint, uri: str, **options: Any) -> Landed:
    done = land(spark, kafka, uri, **options, fence=OnlyWriter())
    assert done is not None
    return done


def table(spark: SparkSession, uri: str) -> DataFrame:
    return spark.read.format("delta").load(uri)


def offsets(spark: SparkSession, uri: str) -> list[tuple[int, int]]:
    return sorted((row.partition, row.offset) for row in table(spark, uri).collect())


def killed_before_the_commit(rows: DataFrame, uri: str, commit: LandingCommit) -> None:
    """Every file is there, and nothing says so."""
    rows.write.partitionBy(*LANDING_EVENTS.partition_columns).mode("append").parquet(uri)
    raise Killed


def killed_after_the_commit(rows: DataFrame, uri: str, commit: LandingCommit) -> None:
    write_commit(rows, uri, commit)
    raise Killed


def test_every_record_lands_as_it_is(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(1), event(2, "arrival")])
    send(kafka, [b"\xff{"], at_ms=ms(SECOND))
    done = landed(spark, kafka, uri)
    assert (done.rows_by_day, done.commit.number, done.version) == ({FIRST: 2, SECOND: 1}, 1, 0)
    rows = {(row.partition, row.offset): row for row in table(spark, uri).collect()}
    assert bytes(rows[1, 0].value) == event(2, "arrival")
    assert [(rows[at].event_date, rows[at].event_type) for at in sorted(rows)] == [
        (FIRST, "departure"),
        (SECOND, "_unreadable"),
        (FIRST, "arrival"),
    ]
    assert (rows[0, 0].topic, bytes(rows[0, 0].key)) == (EVENTS, b"EWR")
    assert rows[0, 0].event_time.timestamp() * 1000 == ms(FIRST)


TYPES = {
    b'{"event_type" : "arrival"}': "arrival",
    b'{"attributes": {"event_type": "x"}, "event_type": "arrival"}': "arrival",
    b'{"event\\u005ftype": "arrival"}': "arrival",
    b'{"category": "event_type", "event_type": "arrival"}': "arrival",
    b'{"event_type": "No Word"}': "_unreadable",
    b'{"event_type": "arrival\\n"}': "_unreadable",
    b'{"event_type": "' + b"a" * 65 + b'"}': "_unreadable",
    b'{"event_type": null}': "_unreadable",
    b"[]": "_unreadable",
    b"": "_unreadable",
}


def test_a_value_chooses_no_partition_that_no_event_type_has(
    spark: SparkSession, kafka: KafkaEndpoint, uri: str
) -> None:
    send(kafka, list(TYPES))
    landed(spark, kafka, uri)
    assert {bytes(row.value): row.event_type for row in table(spark, uri).collect()} == TYPES


def test_a_day_and_a_type_are_one_file(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(number) for number in range(50)])
    done = landed(spark, kafka, uri)
    files = list(Path(uri).glob("event_date=2026-03-01/event_type=departure/*.snappy.parquet"))
    assert (done.files, len(files)) == (1, 1)
    assert done.bytes == files[0].stat().st_size


def test_a_rerun_lands_what_is_new_alone(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(1), event(2)])
    landed(spark, kafka, uri)
    assert land(spark, kafka, uri, fence=OnlyWriter()) is None
    send(kafka, [event(3)], at_ms=ms(SECOND))
    assert landed(spark, kafka, uri).rows_by_day == {SECOND: 1}
    assert offsets(spark, uri) == [(0, 0), (0, 1), (1, 0)]
    assert landed_since(spark, uri, 0) == (LandedVersion(version=1, days=frozenset({SECOND})),)


CHECKPOINTS = "spark.databricks.delta.properties.defaults.checkpointInterval"


def test_versions_that_the_log_has_forgotten_may_have_had_records_of_every_day(
    spark: SparkSession, kafka: KafkaEndpoint, uri: str
) -> None:
    spark.conf.set(CHECKPOINTS, "1")
    try:
        for hour, day in enumerate((FIRST, FIRST, SECOND)):
            send(kafka, [event(hour)], at_ms=ms(day))
            landed(spark, kafka, uri)
    finally:
        spark.conf.unset(CHECKPOINTS)
    for version in (0, 1):
        Path(uri, "_delta_log", f"{version:020d}.json").unlink()
    known = LandedVersion(version=2, days=frozenset({SECOND}))
    assert landed_since(spark, uri, 1) == (known,)
    assert landed_since(spark, uri, 0) == (LandedVersion(version=1, days=frozenset({FIRST, SECOND})), known)


def test_who_was_killed_before_the_commit_has_landed_nothing(
    spark: SparkSession, kafka: KafkaEndpoint, uri: str
) -> None:
    send(kafka, [event(1)])
    landed(spark, kafka, uri)
    send(kafka, [event(2), event(3)])
    with pytest.raises(Killed):
        land(spark, kafka, uri, write=killed_before_the_commit, fence=OnlyWriter())
    assert offsets(spark, uri) == [(0, 0)]
    landed(spark, kafka, uri)
    assert offsets(spark, uri) == [(0, 0), (0, 1), (1, 0)]


def test_who_was_killed_after_the_commit_has_landed_all(
    spark: SparkSession, kafka: KafkaEndpoint, uri: str
) -> None:
    send(kafka, [event(1)])
    with pytest.raises(Killed):
        land(spark, kafka, uri, write=killed_after_the_commit, fence=OnlyWriter())
    assert land(spark, kafka, uri, fence=OnlyWriter()) is None
    assert offsets(spark, uri) == [(0, 0)]


def test_of_two_at_once_one_lands(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(1)])

    def overtaken(rows: DataFrame, uri: str, commit: LandingCommit) -> None:
        send(kafka, [event(2)])
        landed(spark, kafka, uri)
        write_commit(rows, uri, commit)

    with pytest.raises(CommitConflict, match="commit 1 of landing first"):
        land(spark, kafka, uri, write=overtaken, fence=OnlyWriter())
    assert offsets(spark, uri) == [(0, 0), (0, 1)]


def test_offsets_that_are_ignored_land_all_again(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(1)])
    for _ in range(2):
        landed(spark, kafka, uri, offsets="ignored")
    assert offsets(spark, uri) == [(0, 0), (0, 0)]


def test_records_that_are_gone_are_named(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(number) for number in range(4)])
    landed(spark, kafka, uri)
    send(kafka, [event(number) for number in range(4)])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for deleted in admin.delete_records([TopicPartition(EVENTS, 1, 3)]).values():
        deleted.result(30)
    with pytest.raises(RecordsGone, match="events-1: wanted from offset 2, the earliest is 3"):
        land(spark, kafka, uri, fence=OnlyWriter())
    assert len(offsets(spark, uri)) == 4


def test_a_day_lands_as_it_stood_at_midnight(spark: SparkSession, kafka: KafkaEndpoint, uri: str) -> None:
    send(kafka, [event(1), event(2)])
    send(kafka, [event(3)], at_ms=ms(SECOND, hour=0))
    send(kafka, [event(4)], at_ms=ms(FIRST, hour=13))
    midnight = ms(SECOND, hour=0)
    assert landed(spark, kafka, uri, until_ms=midnight).rows_by_day == {FIRST: 2}
    assert land(spark, kafka, uri, until_ms=midnight, fence=OnlyWriter()) is None
    assert landed(spark, kafka, uri).rows_by_day == {FIRST: 1, SECOND: 1}


def test_the_offsets_are_found_behind_commits_of_others(
    spark: SparkSession, kafka: KafkaEndpoint, uri: str
) -> None:
    send(kafka, [event(1)])
    done = landed(spark, kafka, uri)
    send(kafka, [event(2)])
    landed(spark, kafka, uri)
    spark.sql(f"OPTIMIZE delta.`{uri}`")
    assert (last_commit(spark, uri) or done.commit).number == 2
    assert land(spark, kafka, uri, fence=OnlyWriter()) is None
    assert landed_since(spark, uri, 1) == (LandedVersion(version=2, days=frozenset()),)
