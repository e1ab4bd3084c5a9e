"""The computed path: which batches its events are put into, and what becomes known of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from aiokafka.record.default_records import DefaultRecordBatch
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from harness.base.clocks import Clocks
from harness.base.run_clock import RunClock
from harness.history.progress import LoadProgress
from harness.history.writer import TableWriter
from harness.load.murmur2 import partition_of_bytes
from harness.load.plan.arranged import Arrangement
from harness.load.send.computed.__main__ import main
from harness.load.send.computed.batches import Batching, ComputedBatches, Placed
from harness.load.send.computed.config import ComputedConfig, FromGenerator, FromLines
from harness.load.send.computed.indexed import indexed
from harness.load.send.computed.source import Chunk, GeneratedSource, LineSource, listed
from harness.load.send.computed.supply import ComputedSupply
from harness.load.send.computed.times import AsDue, Evenly
from harness.load.send.record_batches.completion import Completion
from harness.load.send.record_batches.encoded_batch import ProducerState
from harness.load.send.record_batches.link import Link
from harness.load.send.record_batches.schedule import Flood, LoadSchedule, Pace
from harness.load.send.record_batches.sender import RecordBatchesLoad, RecordBatchesSender
from harness.load.send.record_batches.supply import Shipment
from harness.load.share import WHOLE, Share
from harness.load.traces.generate.events import CHUNK_EVENTS, EventGenerator, payloads_of
from harness.load.traces.generate.model import Generate
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.ramp import Ramp
from harness.scenario.profiles.registry import RateProfile
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from tests.core.events_parts import Noted
from tests.core.record_batches_client import Client, records

GENERATE = Generate(entities=50)
BATCHING = Batching(partitions=3, batch_events=7, batch_bytes=10_000, linger_ms=50, compression="none")
ORIGIN_MS = 1000
MOCK_PARTITIONS = 4
"""Of every topic of a mock cluster."""


def chunk(numbers: range, keys: list[bytes] | None) -> Chunk:
    """Events that tell their number, at one a millisecond."""
    own = None if keys is None else [keys[n] for n in numbers]
    return Chunk(keys=own, payloads=listed([b"%d" % n for n in numbers]), offsets_ms=list(numbers))


def chunks(sizes: list[int], keys: list[bytes] | None = None) -> Iterator[Chunk]:
    first = 0
    for size in sizes:
        yield chunk(range(first, first + size), keys)
        first += size


def sent(
    source: Iterator[Chunk],
    client: Client,
    *,
    batching: Batching = BATCHING,
    pace: Pace | None = None,
    end_ns: int | None = None,
) -> list[Completion]:
    done: list[Completion] = []
    now_ns = iter(range(0, 10**15, 1000)).__next__

    async def connect() -> Client:
        return client

    async def run() -> None:
        own = pace or Flood()
        built = ComputedBatches(batching, own, origin_ms=ORIGIN_MS).of(source)
        supply = ComputedSupply(built, partitions=range(batching.partitions), now_ns=now_ns)
        load = RecordBatchesLoad(topic="t", pace=own, load_start_ns=0, end_ns=end_ns)
        sender = RecordBatchesSender(
            load, supply, [Link(connect)], record=done.append, meter=Noted(), now_ns=now_ns
        )
        await asyncio.wait_for(sender.run(flush_timeout_s=1), timeout=30)

    asyncio.run(run())
    return done


sizes = st.lists(st.integers(0, 30), max_size=6)


@given(sizes, st.data(), st.sampled_from(["none", "snappy"]))
def test_every_event_is_sent_once_in_its_keys_order_to_its_partition_under_its_time(
    lengths: list[int], data: st.DataObject, compression: Any
) -> None:
    names = st.sampled_from([b"", b"a", b"b", b"c", b"d", b"e"])
    events = sum(lengths)
    keys = data.draw(st.lists(names, min_size=events, max_size=events))
    client = Client()
    done = sent(chunks(lengths, keys), client, batching=replace(BATCHING, compression=compression))
    found = records(client)
    assert sorted(found, key=lambda record: record[3]) == [
        (partition_of_bytes(key, 3), key, b"%d" % n, ORIGIN_MS + n) for n, key in enumerate(keys)
    ]
    for partition in range(3):
        times = [time_ms for place, _, _, time_ms in found if place == partition]
        assert times == sorted(times)
        own = [d for d in done if d.partition == partition]
        numbers = [n for d in own for n in range(d.first_number, d.first_number + d.count)]
        assert numbers == list(range(len(times)))
    assert all(d.count <= 7 and d.outcome == "ok" for d in done)


@given(sizes)
def test_events_without_keys_go_to_the_partitions_in_turn_a_batch_at_a_time(lengths: list[int]) -> None:
    client = Client()
    sent(chunks(lengths), client)
    found = records(client)
    assert sorted((int(value or b""), key, time_ms) for _, key, value, time_ms in found) == [
        (n, None, ORIGIN_MS + n) for n in range(sum(lengths))
    ]
    batches = Counter(partition for partition, _ in client.taken)
    assert max(batches.values(), default=0) - min((batches[p] for p in range(3)), default=0) <= 1


@given(sizes, st.integers(1, 5), st.data())
def test_the_batches_are_the_same_however_many_workers_share_them(
    lengths: list[int], workers: int, data: st.DataObject
) -> None:
    events = sum(lengths)
    keys = data.draw(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=events, max_size=events))

    def built(share: Share) -> list[Placed]:
        batches = ComputedBatches(BATCHING, Flood(), origin_ms=ORIGIN_MS, share=share)
        return [placed for part in batches.of(chunks(lengths, keys)) for placed in part]

    def in_order(placed: list[Placed]) -> list[Placed]:
        return sorted(placed, key=lambda one: (one[0], one[1].first_number))

    shared = [placed for index in range(workers) for placed in built(Share(index=index, of=workers))]
    assert in_order(shared) == in_order(built(WHOLE))


def test_a_batch_can_be_had_only_once_it_was_written_down(tmp_path: Path) -> None:
    batches = ComputedBatches(BATCHING, Flood(), origin_ms=ORIGIN_MS)
    built = indexed(batches.of(chunks([30, 20])), TableWriter(tmp_path, "encoded", "w"))
    known = 0
    for placed in built:
        rows = pq.read_table(tmp_path / "encoded").to_pylist()[known:]
        known += len(rows)
        assert [
            (row["partition"], row["first_event"], row["count"], row["base_timestamp_ms"], row["records_crc"])
            for row in rows
        ] == [
            (p, s.first_number, s.batch.count, s.batch.base_timestamp_ms, s.batch.records_crc)
            for p, s in placed
        ]
    assert known == 8


@given(st.integers(0, 300), st.floats(0.5, 100), st.sampled_from([Ramp(start=0, end=60), Constant(rate=30)]))
def test_an_event_bears_the_moment_at_which_it_is_due(cut: int, scale: float, profile: RateProfile) -> None:
    curve = profile.curve(10.0)
    planned = Arrangement(curve=curve, arrivals="even", seed=1, time_scale=scale, where="").offsets_ms()
    times = AsDue(curve=curve, time_scale=scale)
    assert len(planned) == 300
    assert times.offsets_ms(0, cut) + times.offsets_ms(cut, 300 - cut) == planned.tolist()


@given(st.integers(1, 400), st.floats(1, 10_000), st.sampled_from([0.0, 1.0, 50.0]))
def test_a_batch_is_sent_when_its_last_event_is_due_and_none_lingers_longer(
    events: int, rate: float, linger_ms: float
) -> None:
    pace = LoadSchedule(profile=Constant(rate=rate), duration_s=events / rate).pace
    batching = replace(BATCHING, linger_ms=linger_ms, batch_events=1000)
    keys = [b"%d" % (n % 5) for n in range(events)]
    batches = ComputedBatches(batching, pace, origin_ms=ORIGIN_MS).of(chunks([events], keys))
    for _, shipment in next(batches):
        first_ns, last_ns = pace.due_ns(shipment.first_arrival), pace.due_ns(shipment.last_arrival)
        assert last_ns - first_ns <= linger_ms * 1e6
        times = [
            record.timestamp for record in DefaultRecordBatch(shipment.batch.stamped(0, ProducerState()))
        ]
        assert (times[0], times[-1]) == (shipment.first_arrival, shipment.last_arrival)


def test_an_event_that_is_due_is_intended_for_that_moment() -> None:
    pace = LoadSchedule(profile=Constant(rate=1e6), duration_s=1e-4).pace
    done = sent(chunks([100]), Client(), pace=pace, batching=replace(BATCHING, partitions=1))
    assert [d.intended_ns for d in done] == [pace.due_ns(d.first_number) for d in done]
    assert all(d.started_ns >= pace.due_ns(d.first_number + d.count - 1) for d in done)


def test_an_event_that_is_too_large_fails_unsent_and_its_neighbours_do_not() -> None:
    source = Chunk(keys=None, payloads=listed([b"a", b"b" * 500, b"c"]), offsets_ms=[0, 1, 2])
    client = Client()
    done = sent(iter([source]), client, batching=replace(BATCHING, partitions=1, batch_bytes=100))
    assert {(d.first_number, d.count, d.outcome, d.error) for d in done} == {
        (0, 1, "ok", ""),
        (1, 1, "fail", "MessageSizeTooLargeError"),
        (2, 1, "ok", ""),
    }
    assert [value for _, _, value, _ in records(client)] == [b"a", b"c"]


def test_no_batch_is_larger_than_a_broker_takes() -> None:
    client = Client()
    batching = replace(BATCHING, batch_events=1000, batch_bytes=200)
    sent(chunks([500]), client, batching=batching)
    assert len(records(client)) == 500
    assert max(batch.size() for _, batch in client.taken) <= 200


@dataclass
class Endless:
    """Chunks without end; counts those that were asked for."""

    asked: int = 0

    def chunks(self) -> Iterator[Chunk]:
        for number in range(10**9):
            self.asked += 1
            yield chunk(range(number * 10_000, (number + 1) * 10_000), None)


def test_a_load_that_is_over_builds_nothing_more() -> None:
    source = Endless()
    done = sent(source.chunks(), Client(), end_ns=10**6, batching=replace(BATCHING, batch_events=5000))
    assert all(d.started_ns < 10**6 + 10_000 for d in done)
    assert source.asked < 100


def one_each(source: Endless) -> ComputedSupply:
    """Three batches a chunk, one for each partition; no chunk is added while any of the last waits."""
    built = ComputedBatches(replace(BATCHING, batch_events=4000, batch_bytes=10**6), Flood(), origin_ms=0).of(
        source.chunks()
    )
    return ComputedSupply(built, partitions=range(3), now_ns=lambda: 5, ahead_events=0)


async def waits_for_the_others(supply: ComputedSupply) -> asyncio.Task[Shipment | None]:
    assert await supply.next(0) is not None
    waiting = asyncio.create_task(supply.next(0))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    return waiting


def test_a_partition_that_takes_nothing_holds_up_the_others_instead_of_filling_memory() -> None:
    source = Endless()

    async def run() -> None:
        supply = one_each(source)
        waiting = await waits_for_the_others(supply)
        assert source.asked <= 2
        await supply.next(1)
        await supply.next(2)
        shipment = await waiting
        assert shipment is not None
        assert (shipment.first_number, shipment.held_until_ns) == (4000, 5)

    asyncio.run(run())


def test_whoever_waits_for_room_is_let_go_when_the_load_is_over() -> None:
    async def run() -> None:
        supply = one_each(Endless())
        waiting = await waits_for_the_others(supply)
        supply.close()
        assert await waiting is None

    asyncio.run(run())


def test_what_is_wrong_with_the_source_ends_the_load(tmp_path: Path) -> None:
    (tmp_path / "lines").touch()
    with pytest.raises(ExceptionGroup) as raised:
        sent(LineSource(tmp_path / "lines", Evenly(span_ms=1, events=3)).chunks(3), Client())
    assert raised.group_contains(ValueError, match="has no lines")


def test_generated_events_are_those_of_the_generator_evenly_over_the_span() -> None:
    generator = EventGenerator(GENERATE, seed=3)
    (found,) = GeneratedSource(generator, Evenly(span_ms=200, events=100)).chunks(100)
    drawn = next(generator.chunks(100))
    assert found.payloads(range(100)) == payloads_of(drawn)
    assert found.payloads([7, 3]) == [payloads_of(drawn)[place] for place in (7, 3)]
    assert found.keys == [key.encode() for key in drawn.column("entity_id").to_pylist()]
    assert found.offsets_ms == list(range(0, 200, 2))


def all_payloads(found: list[Chunk]) -> list[bytes]:
    return [payload for c in found for payload in c.payloads(range(len(c.offsets_ms)))]


def test_the_lines_of_a_file_come_over_and_over(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"a\nb\nc\n")
    found = list(LineSource(tmp_path / "lines", Evenly(span_ms=16, events=8)).chunks(8))
    assert all_payloads(found) == [b"a", b"b", b"c"] * 2 + [b"a", b"b"]
    assert [offset for c in found for offset in c.offsets_ms] == [0, 2, 4, 6, 8, 10, 12, 14]


def test_lines_go_on_from_chunk_to_chunk(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"a\nb\nc\n")
    events = 2 * CHUNK_EVENTS + 1
    found = list(LineSource(tmp_path / "lines", Evenly(span_ms=7, events=events)).chunks(events))
    assert all_payloads(found) == list(islice(cycle([b"a", b"b", b"c"]), events))
    assert [offset for c in found for offset in c.offsets_ms] == [n * 7 // events for n in range(events)]


def config_of(folder: Path, bootstrap: str) -> Path:
    (folder / "history").mkdir()
    clock = RunClock.start()
    Endpoints((KafkaEndpoint(bootstrap_servers=(bootstrap,), replication_factor=1),)).save(folder / "e.json")
    ComputedConfig(
        endpoints=folder / "e.json",
        topic="t",
        source=FromGenerator(generate=GENERATE, seed=5, span_ms=1000),
        history=folder / "history",
        progress=folder / "progress",
        clocks=Clocks(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=0,
            origin_ms=ORIGIN_MS,
            time_scale=1.0,
        ),
        events=10_000,
    ).save(folder / "computed.json")
    return folder / "computed.json"


def test_the_process_records_its_operations_and_its_progress(tmp_path: Path) -> None:
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    broker = next(iter(cluster.list_topics("t", timeout=10).brokers.values()))
    assert main(["--config", str(config_of(tmp_path, f"{broker.host}:{broker.port}"))]) == 0
    progress = LoadProgress.load(tmp_path / "progress")
    assert progress is not None
    assert (progress.state, progress.acknowledged, progress.total) == ("done", 10_000, 10_000)
    operations = duckdb.read_parquet(f"{tmp_path}/history/operations/*.parquet")
    found = operations.aggregate("partition, sum(count), max(last_seq) + 1, min(first_seq)").fetchall()
    assert sum(count for _, count, _, _ in found) == 10_000
    assert len(found) == MOCK_PARTITIONS
    assert all(first == 0 and count == end for _, count, end, first in found)


def test_a_cluster_that_cannot_be_reached_ends_the_process(tmp_path: Path) -> None:
    assert main(["--config", str(config_of(tmp_path, "127.0.0.1:1"))]) == 1


def test_a_configuration_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    config = ComputedConfig.load(config_of(tmp_path, "b:1"))
    again = config.model_copy(update={"source": FromLines(path=tmp_path / "p", span_ms=1)})
    again.save(tmp_path / "again.json")
    assert ComputedConfig.load(tmp_path / "again.json") == again
    assert json.loads((tmp_path / "again.json").read_text())["source"]["kind"] == "lines"
