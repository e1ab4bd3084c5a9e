"""The lake when its process and Spark are killed or stand still in a layer, or two work at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer

from harness.layers.pipeline_jars import with_lake_jar
from harness.scenario.topology import RoleSpec
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from pipeline.base.kafka import Topics
from pipeline.base.options import TopicOptions
from pipeline.contract.topics import EVENTS
from pipeline.days.tasks.job_events import Begins, Event, Failed
from tests.engines.kafka_platform import MIB, one_broker, platform_of
from tests.engines.lake_parts import Bucket, Process
from tests.engines.pipeline_parts import event

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
EVENTS_A_DAY = 1500
ATTEMPTS = 3
TEN_YEARS_S = 10 * 365 * 86_400
LAYERS = {
    "land": "landing/events",
    "bronze": "bronze/events",
    "silver": "silver/events",
    "gold": "gold/entity_days",
}
"""Each task, and a table that it writes."""


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("platform")
        patch.setenv("FLOODMARK_STATE", str(folder / "state"))
        store = {"node": RoleSpec(count=1, memory=128 * MIB)}
        with platform_of(folder, kafka=one_broker(), object_store=store, spark={}) as platform:
            produce(platform.endpoints.kafka)
            yield with_lake_jar(platform.endpoints, report=lambda _: None)


def produce(kafka: KafkaEndpoint) -> None:
    """Two days of events, some of them twice and some broken."""
    options = TopicOptions(partitions=2, min_insync_replicas=1, retention_s=TEN_YEARS_S)
    Topics(kafka).create([EVENTS], options)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for day in (FIRST, SECOND):
        midnight_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        for number in range(EVENTS_A_DAY):
            value = b"{" if number % 300 == 1 else payload(f"{day}-{number}", number)
            copies = 2 if number % 100 == 0 else 1
            for _ in range(copies):
                producer.produce(
                    EVENTS, value, key=b"k", partition=number % 2, timestamp=midnight_ms + number * 57_000
                )
    assert producer.flush(60) == 0


def payload(event_id: str, number: int) -> bytes:
    return event(
        event_id, entity_id=f"e{number % 7}", reference_id="N1", value=number / 10, quantity=number % 5
    )


@pytest.fixture(scope="module")
def undisturbed(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    bucket = Bucket.of("undisturbed", tmp_path_factory.mktemp("lake"), endpoints)
    bucket.run_day(FIRST)
    return bucket


def begun(events: Sequence[Event], task: str) -> bool:
    return any(isinstance(told, Begins) and told.task == task for told in events)


def killed_in(bucket: Bucket, task: str) -> bool:
    """Carry the first day out until a file lies in the task's table that no commit holds, and kill it there.

    False when the commit was faster than the kill.
    """
    table = LAYERS[task]
    files, commits = bucket.data_files(table), bucket.commits(table)
    with bucket.running_day(FIRST) as process:
        process.wait_until(lambda: begun(process.events, task), f"{task} begins")
        process.wait_until(lambda: bool(bucket.data_files(table) - files), f"a file in {table}")
        process.kill()
    return bucket.commits(table) == commits


def test_a_day_whose_process_was_killed_in_every_layer_is_as_if_it_was_not(
    undisturbed: Bucket, endpoints: Endpoints, tmp_path: Path
) -> None:
    bucket = Bucket.of("killed", tmp_path, endpoints)
    for task in LAYERS:
        assert any(killed_in(bucket, task) for _ in range(ATTEMPTS)), task
    bucket.run_day(FIRST)
    assert bucket.contents([FIRST]).equals(undisturbed.contents([FIRST]))


def stopped_in(process: Process, bucket: Bucket, task: str) -> bool:
    """Let the process stand still once a file lies in the task's table that no commit holds.

    False when the commit was faster.
    """
    table = LAYERS[task]
    files, commits = bucket.data_files(table), bucket.commits(table)
    process.wait_until(lambda: begun(process.events, task), f"{task} begins")
    process.wait_until(lambda: bool(bucket.data_files(table) - files), f"a file in {table}")
    process.pause()
    return bucket.commits(table) == commits


@pytest.mark.parametrize("task", LAYERS)
def test_a_writer_that_stood_still_past_its_lease_commits_nothing_over_its_successor(
    task: str, undisturbed: Bucket, endpoints: Endpoints, tmp_path: Path
) -> None:
    for attempt in range(ATTEMPTS):
        bucket = Bucket.of(f"stood-still-{task}-{attempt}", tmp_path, endpoints)
        with bucket.running_day(FIRST) as process:
            if stopped_in(process, bucket, task):
                bucket.run_day(FIRST)  # waits until the lease has run out
                commits = bucket.all_commits()
                process.resume()
                assert process.wait() == 1, process.log.read_text()
                (failed,) = (told for told in process.events if isinstance(told, Failed))
                assert failed.error in {"LeaseLost", "CommitConflict"}, failed
                assert bucket.all_commits() == commits
                assert bucket.contents([FIRST]).equals(undisturbed.contents([FIRST]))
                return
    pytest.fail(f"the commit of {task} was faster than the pause, {ATTEMPTS} times")


def test_a_day_carried_out_again_has_the_same_contents(undisturbed: Bucket) -> None:
    before = undisturbed.contents([FIRST])
    assert before.num_rows == len(set(before["table"].to_pylist())) > len(LAYERS)
    undisturbed.run_day(FIRST)
    assert undisturbed.contents([FIRST]).equals(before)


def test_of_two_at_once_one_ends_and_the_other_says_who_holds_the_table(undisturbed: Bucket) -> None:
    before = undisturbed.contents([FIRST])
    with undisturbed.running_day(FIRST) as one, undisturbed.running_day(FIRST) as other:
        codes = {process: process.wait() for process in (one, other)}
    assert 0 in codes.values()
    for process, code in codes.items():
        if code:
            assert [told.error for told in process.events if isinstance(told, Failed)] == ["TableHeld"]
    assert undisturbed.contents([FIRST]).equals(before)
