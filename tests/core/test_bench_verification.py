"""The bench believes no contender's own tally: what the topic holds is compared with what was to be there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.base.clocks import Clocks
from harness.load.send.record_batches.config import RecordBatchesConfig
from harness.load.send.record_batches.encode import Event, encode
from harness.load.send.record_batches.trace import TraceWriter
from harness.observe.readback.record_batches import FoundBatch
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from tests.bench.contender import Task
from tests.bench.contenders import RecordBatchesContender

ORIGIN_MS = 1_700_000_000_000
EVENTS = 12
"""Two repetitions of a trace of three batches, of two events each."""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    trace = tmp_path / "trace.batches"
    writer = TraceWriter(trace)
    for number, partition in enumerate((0, 1, 0)):
        events = [Event(None, b"%d-%d" % (number, n), 10 * number + n) for n in range(2)]
        writer.add(encode(events, "none"), partition)
    writer.close("key", partitions=2)
    RecordBatchesConfig(
        endpoints=tmp_path / "endpoints.json",
        topic="events",
        trace=trace,
        history=tmp_path,
        progress=tmp_path / "progress.json",
        clocks=Clocks(
            epoch_unix_ns=0, epoch_monotonic_ns=0, load_start_ns=0, origin_ms=ORIGIN_MS, time_scale=1.0
        ),
        events=EVENTS,
    ).save(tmp_path / "record_batches.json")
    return Task(
        endpoints=Endpoints((KafkaEndpoint(bootstrap_servers=("127.0.0.1:9",)),)),
        topic="events",
        events=EVENTS,
        payloads=tmp_path / "payloads",
        trace=trace,
        folder=tmp_path,
    )


def sent(task: Task) -> list[FoundBatch]:
    """What a topic holds into which everything went once, in order."""
    checksums = {number: encode_crc(number) for number in range(3)}
    found = []
    for repetition in range(2):
        for number, partition in enumerate((0, 1, 0)):
            found.append(
                FoundBatch(
                    partition=partition,
                    first_offset=0,
                    count=2,
                    base_timestamp_ms=ORIGIN_MS + repetition * 22 + 10 * number,
                    records_crc=checksums[number],
                )
            )
    return found


def encode_crc(number: int) -> int:
    events = [Event(None, b"%d-%d" % (number, n), 10 * number + n) for n in range(2)]
    return encode(events, "none").records_crc


def test_what_was_sent_once_and_in_order_is_right(task: Task) -> None:
    assert RecordBatchesContender().wrong(task, sent(task)) == 0


def test_a_batch_that_is_missing_is_wrong(task: Task) -> None:
    assert RecordBatchesContender().wrong(task, sent(task)[:-1]) > 0


def test_a_batch_that_is_there_twice_is_wrong(task: Task) -> None:
    found = sent(task)
    assert RecordBatchesContender().wrong(task, [*found, found[-1]]) > 0


def test_batches_that_changed_places_are_wrong(task: Task) -> None:
    found = sent(task)
    assert RecordBatchesContender().wrong(task, [found[2], found[1], found[0], *found[3:]]) > 0


@pytest.mark.parametrize("change", [{"records_crc": 1}, {"base_timestamp_ms": 1}, {"count": 3}])
def test_a_batch_that_holds_something_else_is_wrong(task: Task, change: dict[str, int]) -> None:
    first, *others = sent(task)
    assert RecordBatchesContender().wrong(task, [replace(first, **change), *others]) > 0  # type: ignore[arg-type]
