"""The live path: what reaches librdkafka's own mock cluster, and what becomes known of each event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from harness.clocks import Clocks
from harness.load.generate.events import EventGenerator
from harness.load.generate.model import Generate
from harness.load.generate.payloads import payloads_of
from harness.load.live.__main__ import main
from harness.load.live.config import FromGenerator, FromPlan, LiveConfig
from harness.load.live.flight import Flight
from harness.load.live.send import LiveLoad, LiveSender
from harness.load.live.source import Chunk, GeneratedSource, LineSource, PlanSource
from harness.load.murmur2 import partition_of
from harness.load.profiles.constant import Constant
from harness.load.progress import LoadProgress
from harness.load.replay_outcome import refusal_of
from harness.load.wire.config import WireSchedule
from harness.load.wire.pace import Flood, Pace
from harness.load.wire.replay import Completion
from harness.run_clock import RunClock
from pipeline.endpoints import Endpoints, KafkaEndpoint
from tests.core.replay_parts import Noted, plan_row, write_plan

GENERATE = Generate(entities=50)
PARTITIONS = 4
"""Of every topic of a mock cluster."""
IDEMPOTENT = {"acks": "all", "enable.idempotence": True}


@dataclass
class Events:
    """A source of these events, at one a millisecond."""

    payloads: list[bytes]

    def chunks(self, events: int) -> Iterator[Chunk]:
        keys = [b"k%d" % n for n in range(len(self.payloads))]
        yield Chunk(keys=keys, payloads=self.payloads, offsets_ms=range(len(self.payloads)))


def load_of(source: Any, *, events: int = 100, flight: int = 7, pace: Pace | None = None) -> LiveLoad:
    return LiveLoad(
        source=source,
        topic="t",
        partitions=PARTITIONS,
        events=events,
        pace=pace or Flood(),
        load_start_ns=0,
        origin_ms=1000,
        flight_events=flight,
    )


def mock_producer(**settings: Any) -> Producer:
    return Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, **IDEMPOTENT, **settings})


def sent(load: LiveLoad, *producers: Producer, flush_timeout_s: float = 10) -> list[Completion]:
    """Send through the producers, each taking over from the one before it."""
    done: list[Completion] = []
    waiting = list(producers)
    sender = LiveSender(
        load, lambda: waiting.pop(0), record=done.append, meter=Noted(), now_ns=RunClock.start().now_ns
    )
    sender.run(flush_timeout_s=flush_timeout_s)
    return sorted(done, key=lambda found: found.first_number)


def numbers(done: list[Completion], outcome: str) -> list[int]:
    return [n for d in done if d.outcome == outcome for n in range(d.first_number, d.first_number + d.count)]


def topic_of(producer: Producer, count: int) -> list[Message]:
    """All that is in the topic, in each partition's order."""
    broker = next(iter(producer.list_topics("t", timeout=10).brokers.values()))
    settings = {"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "g"}
    with closing(Consumer(settings)) as consumer:
        consumer.assign([TopicPartition("t", partition, 0) for partition in range(PARTITIONS)])
        return list(consumer.consume(count, timeout=10))


def test_every_event_is_there_once_at_its_time_in_the_partition_of_its_key() -> None:
    producer, generator = mock_producer(), EventGenerator(GENERATE, seed=3)
    done = sent(load_of(GeneratedSource(generator, span_ms=200)), producer)
    assert numbers(done, "ok") == list(range(100))
    drawn = next(generator.chunks(100))
    keys = drawn.column("entity_id").to_pylist()
    expected = {
        (payload, key.encode(), 1000 + 2 * n, partition_of(key, PARTITIONS))
        for n, (payload, key) in enumerate(zip(payloads_of(drawn), keys, strict=True))
    }
    found = [(m.value(), m.key(), m.timestamp()[1], m.partition()) for m in topic_of(producer, 100)]
    assert len(found) == 100
    assert set(found) == expected


def test_the_events_of_a_key_keep_their_order() -> None:
    producer = mock_producer()
    sent(load_of(GeneratedSource(EventGenerator(Generate(entities=5), seed=1), span_ms=1000)), producer)
    times: dict[bytes, list[int]] = {}
    for message in topic_of(producer, 100):
        times.setdefault(bytes(message.key() or b""), []).append(message.timestamp()[1])
    assert all(found == sorted(found) for found in times.values())


def test_a_full_queue_is_waited_for() -> None:
    producer = mock_producer(**{"queue.buffering.max.messages": 10})
    done = sent(load_of(GeneratedSource(EventGenerator(GENERATE, seed=1), span_ms=0)), producer)
    assert numbers(done, "ok") == list(range(100))


def test_an_event_that_is_too_large_fails_and_its_neighbours_do_not() -> None:
    payloads = [b"a", b"b" * 5000, b"c"]
    done = sent(load_of(Events(payloads)), mock_producer(**{"message.max.bytes": 4000}))
    assert (numbers(done, "ok"), numbers(done, "fail")) == ([0, 2], [1])
    assert [d.error for d in done] == ["", "MSG_SIZE_TOO_LARGE", ""]


def test_what_was_not_acknowledged_in_time_is_unknown() -> None:
    unreachable = Producer({"bootstrap.servers": "127.0.0.1:1", **IDEMPOTENT})
    done = sent(load_of(Events([b"a", b"b"])), unreachable, flush_timeout_s=0)
    assert numbers(done, "unknown") == [0, 1]


class DeadProducer:
    """Takes a message, and is fatally broken at the next; ``poll`` then tells what became of the first."""

    def __init__(self) -> None:
        self.report: Any = None

    def produce(self, topic: str, value: bytes, *rest: Any) -> None:
        if self.report is not None:
            raise KafkaException(KafkaError(KafkaError._FATAL, "dead", True))
        self.report, self.value = rest[2], value

    def purge(self) -> None:
        self.purged = True

    def poll(self, timeout_s: float) -> int:
        if self.report is not None and self.value:
            self.report(KafkaError(KafkaError._PURGE_INFLIGHT), _Told(self.value))
            self.value = b""
        return 0

    def __len__(self) -> int:
        return len(self.report is not None and self.value)


@dataclass
class _Told:
    payload: bytes

    def value(self) -> bytes:
        return self.payload


def test_a_producer_beyond_use_is_replaced_and_what_it_held_is_unknown() -> None:
    dead, fresh = DeadProducer(), mock_producer()
    done = sent(load_of(Events([b"a", b"b", b"c"])), dead, fresh)  # type: ignore[arg-type]
    assert (numbers(done, "unknown"), numbers(done, "ok")) == ([0], [1, 2])
    assert len(topic_of(fresh, 2)) == 2


def test_events_are_sent_when_the_last_of_their_flight_is_due() -> None:
    pace = WireSchedule(profile=Constant(rate=1000.0), duration_s=1.0).pace
    done = sent(load_of(GeneratedSource(EventGenerator(GENERATE, seed=1), 0), pace=pace), mock_producer())
    assert [d.intended_ns for d in done] == [pace.due_ns(d.first_number) for d in done]
    assert all(d.started_ns >= (pace.due_ns(d.first_number + d.count - 1) or 0) for d in done)


outcomes = st.lists(st.sampled_from(["ok", "timed out", "refused", "silent"]), min_size=1, max_size=30)


@given(outcomes, st.randoms(use_true_random=False), st.booleans())
def test_a_flights_ranges_say_of_each_event_what_was_said_of_it(
    said: list[str], random: Any, alike: bool
) -> None:
    payloads = [b"same" if alike else b"%d" % n for n in range(len(said))]
    flight = Flight(payloads, lambda: 7)
    for place, what in enumerate(said):
        if what == "refused":
            flight.refused(place, refusal_of(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)))
    told = [place for place, what in enumerate(said) if what in ("ok", "timed out")]
    random.shuffle(told)
    for place in told:
        error = None if said[place] == "ok" else KafkaError(KafkaError._MSG_TIMED_OUT)
        flight.report(error, _Told(payloads[place]))  # type: ignore[arg-type]
    assert bool(flight.open) == ("silent" in said)
    flight.give_up()
    done = list(flight.completions(0, intended_ns=0, started_ns=0))
    assert [n for d in done for n in range(d.first_number, d.first_number + d.count)] == [*range(len(said))]
    assert numbers(done, "fail") == [n for n, what in enumerate(said) if what == "refused"]
    if "silent" in said:
        assert not numbers(done, "ok")
    elif not alike:
        assert numbers(done, "ok") == [n for n, what in enumerate(said) if what == "ok"]
    else:
        assert len(numbers(done, "ok")) == said.count("ok")


def test_the_lines_of_a_file_come_over_and_over(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"a\nb\nc\n")
    chunks = list(LineSource(tmp_path / "lines", span_ms=16).chunks(8))
    assert [payload for c in chunks for payload in c.payloads] == [b"a", b"b", b"c"] * 2 + [b"a", b"b"]
    assert [offset for c in chunks for offset in c.offsets_ms] == [0, 2, 4, 6, 8, 10, 12, 14]


def test_a_plans_events_keep_their_keys_and_times(tmp_path: Path) -> None:
    rows = [plan_row(seq) for seq in range(5)]
    (chunk,) = PlanSource(write_plan(tmp_path / "p.parquet", rows)).chunks(3)
    assert chunk.keys == [row["entity_id"].encode() for row in rows[:3]]
    assert chunk.offsets_ms == [row["event_offset_ms"] for row in rows[:3]]


def config_of(folder: Path, bootstrap: str) -> Path:
    (folder / "history").mkdir()
    clock = RunClock.start()
    Endpoints((KafkaEndpoint(bootstrap_servers=(bootstrap,), replication_factor=1),)).save(folder / "e.json")
    LiveConfig(
        endpoints=folder / "e.json",
        topic="t",
        source=FromGenerator(generate=GENERATE, seed=5, span_ms=1000),
        history=folder / "history",
        progress=folder / "progress",
        clocks=Clocks(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=0,
            origin_ms=1000,
            time_scale=1.0,
        ),
        events=10_000,
    ).save(folder / "live.json")
    return folder / "live.json"


def test_the_process_records_its_operations_and_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    cluster = mock_producer()
    broker = next(iter(cluster.list_topics("t", timeout=10).brokers.values()))
    assert main(["--config", str(config_of(tmp_path, f"{broker.host}:{broker.port}"))]) == 0
    progress = LoadProgress.load(tmp_path / "progress")
    assert progress is not None
    assert (progress.state, progress.acknowledged, progress.total) == ("done", 10_000, 10_000)
    operations = duckdb.read_parquet(f"{tmp_path}/history/operations/*.parquet")
    assert operations.aggregate("sum(count), min(first_seq), max(last_seq)").fetchall() == [
        (10_000, 0, 9_999)
    ]


def test_a_configuration_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    config = LiveConfig.load(config_of(tmp_path, "b:1"))
    again = config.model_copy(update={"source": FromPlan(path=tmp_path / "p")})
    again.save(tmp_path / "again.json")
    assert LiveConfig.load(tmp_path / "again.json") == again
    assert json.loads((tmp_path / "again.json").read_text())["source"]["kind"] == "plan"
