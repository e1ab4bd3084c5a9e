"""What a sender of record batches hands to its client, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest
from aiokafka import errors
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.base.errors import InvalidInput
from harness.load.murmur2 import partition_of
from harness.load.own_lateness import GeneratorMeter
from harness.load.send.record_batches.completion import Completion
from harness.load.send.record_batches.link import Link
from harness.load.send.record_batches.prepared import PreparedBatch
from harness.load.send.record_batches.schedule import Flood, LoadSchedule, Pace
from harness.load.send.record_batches.sender import RecordBatchesLoad, RecordBatchesSender
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.send.record_batches.trace_build import Encoding, trace_file
from harness.load.send.record_batches.trace_supply import TraceSupply
from harness.load.share import WHOLE, Share
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.ramp import Ramp
from harness.scenario.profiles.saw_tooth import SawTooth
from tests.core.events_parts import Hand, Noted, plan_file, plan_row, write_plan
from tests.core.record_batches_client import Client, records

EVENTS = 100


def quiet(message: str) -> None:
    """Takes progress and shows none."""


def trace(folder: Path, **encoding: int) -> EncodedTrace:
    path = write_plan(folder / "plan.parquet", [plan_row(seq) for seq in range(EVENTS)])
    plan = plan_file(path, EVENTS)
    settings = Encoding(**{"partitions": 3, "batch_events": 7, **encoding})
    return EncodedTrace.open(trace_file(plan, settings, cache=folder, report=quiet))


def sent_by(
    encoded: EncodedTrace,
    *clients: Client,
    events: int = EVENTS,
    pace: Pace | None = None,
    meter: GeneratorMeter | None = None,
    now_ns: Callable[[], int] | None = None,
    end_ns: int | None = None,
    share: Share = WHOLE,
    idempotent: bool = True,
) -> list[Completion]:
    """Send through the clients, each taking over from the one before it."""
    done: list[Completion] = []
    waiting = list(clients)

    async def connect() -> Client:
        return waiting.pop(0)

    async def run() -> None:
        load = RecordBatchesLoad(topic="t", pace=pace or Flood(), load_start_ns=0, end_ns=end_ns)
        supply = TraceSupply(encoded, events=events, origin_ms=1000, share=share)
        clock = now_ns or iter(range(0, 10**15, 1000)).__next__
        link = Link(connect, idempotent=idempotent, pause_s=0)
        sender = RecordBatchesSender(
            load, supply, [link], record=done.append, meter=meter or Noted(), now_ns=clock
        )
        await sender.run(flush_timeout_s=1)
        await link.close()

    asyncio.run(run())
    return done


def test_every_event_goes_to_the_partition_of_its_key_in_the_plans_order(tmp_path: Path) -> None:
    client = Client()
    sent_by(trace(tmp_path), client)
    sent = records(client)
    rows = [plan_row(seq) for seq in range(EVENTS)]
    assert sorted(value for _, _, value, _ in sent) == sorted(row["payload"] for row in rows)
    by_payload = {row["payload"]: row for row in rows}
    for partition, key, value, time_ms in sent:
        row = by_payload[value]
        assert key == row["entity_id"].encode()
        assert partition == partition_of(row["entity_id"], 3)
        assert time_ms == 1000 + row["event_offset_ms"]
    for lane in range(3):
        times = [time_ms for partition, _, _, time_ms in sent if partition == lane]
        assert all(a < b for a, b in pairwise(times))


def test_a_trace_that_is_repeated_repeats_no_identity(tmp_path: Path) -> None:
    client = Client()
    done = sent_by(trace(tmp_path), client, events=3 * EVENTS)
    sent = records(client)
    assert len(sent) == len({(value, time_ms) for _, _, value, time_ms in sent}) == 3 * EVENTS
    numbers = [number for d in done for number in range(d.first_number, d.first_number + d.count)]
    assert sorted(numbers) == list(range(3 * EVENTS))


def test_the_shares_of_a_load_are_the_whole_of_it(tmp_path: Path) -> None:
    encoded, clients = trace(tmp_path), (Client(), Client())
    for index, client in enumerate(clients):
        sent_by(encoded, client, share=Share(index=index, of=2))
        assert {partition % 2 for partition, _ in client.taken} == {index}
    assert len(records(clients[0])) + len(records(clients[1])) == EVENTS


def test_a_load_without_a_number_of_events_ends_with_its_time(tmp_path: Path) -> None:
    done = sent_by(trace(tmp_path), Client(), events=10**9, end_ns=10**6)
    assert done
    assert all(completion.started_ns < 10**6 + 10_000 for completion in done)


def test_the_closing_events_are_not_encoded(tmp_path: Path) -> None:
    rows = [plan_row(0), plan_row(1, kind="closing", event_offset_ms=9_000_000)]
    path = write_plan(tmp_path / "plan.parquet", rows)
    settings = Encoding(partitions=1)
    encoded = EncodedTrace.open(trace_file(plan_file(path, 2), settings, cache=tmp_path, report=quiet))
    assert (encoded.facts.events, encoded.facts.span_ms) == (1, 0)


def test_no_batch_is_larger_than_a_broker_takes(tmp_path: Path) -> None:
    whole = trace(tmp_path, partitions=1, batch_events=EVENTS)
    halves = trace(tmp_path, partitions=1, batch_events=EVENTS, batch_bytes=500)
    assert len(whole.lanes[0]) == 1
    assert all(placed.batch.size_bytes <= 500 for placed in halves.lanes[0])
    assert halves.facts.events == EVENTS


def test_an_event_that_no_broker_takes_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"load\.trace: found an event of .* at most 80 bytes"):
        trace(tmp_path, batch_bytes=80)


def test_a_trace_is_encoded_once(tmp_path: Path) -> None:
    first = trace(tmp_path)
    (tmp_path / "plan.parquet").unlink()
    plan = plan_file(tmp_path / "plan.parquet", EVENTS)
    settings = Encoding(partitions=3, batch_events=7)
    again = EncodedTrace.open(trace_file(plan, settings, cache=tmp_path, report=quiet))
    assert again.facts == first.facts


def test_an_encoded_trace_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    trace(tmp_path)
    (file,) = (tmp_path / "encoded").glob("*.batches")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="ends at byte"):
        EncodedTrace.open(file)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (errors.MessageSizeTooLargeError(), "fail"),
        (errors.PolicyViolationError(), "fail"),
        (errors.RequestTimedOutError(), "unknown"),
        (errors.OutOfOrderSequenceNumber(), "unknown"),
        (errors.UnknownTopicOrPartitionError(), "unknown"),
        (errors.NotEnoughReplicasError(), "unknown"),
        (errors.CorruptRecordException(), "unknown"),
        (ConnectionError(10, "of the system, whose numbers are not Kafka's"), "unknown"),
        (ValueError("x"), "unknown"),
    ],
)
def test_an_error_is_a_failure_only_when_nothing_was_written(
    error: BaseException, outcome: str, tmp_path: Path
) -> None:
    encoded = trace(tmp_path, partitions=1, batch_events=EVENTS)
    done = sent_by(encoded, Client(lambda _: error))
    assert {(d.outcome, d.error) for d in done} == {(outcome, type(error).__name__)}


def test_a_batch_that_kafka_calls_damaged_is_named_with_its_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoded = trace(tmp_path, partitions=1, batch_events=EVENTS)
    (done,) = sent_by(encoded, Client(lambda _: errors.CorruptRecordException()))
    assert done.error == "CorruptRecordException"
    assert caplog.messages == [f"{encoded.path}: the batch of event 0 was refused by kafka as damaged"]


def test_a_batch_that_was_not_queued_is_handed_over_again(tmp_path: Path) -> None:
    client = Client(refuses=[errors.KafkaTimeoutError()])
    done = sent_by(trace(tmp_path), client)
    assert sum(d.count for d in done) == len(records(client)) == EVENTS


def test_a_producer_beyond_use_is_replaced_and_what_it_had_taken_is_not_sent_again(tmp_path: Path) -> None:
    broken, fresh = Client(refuses=[errors.ProducerFenced()]), Client()
    done = sent_by(trace(tmp_path), broken, fresh)
    assert broken.stopped
    assert sum(d.count for d in done) == len(records(broken)) + len(records(fresh)) == EVENTS


class FailsOnce(Client):
    """Fails the first batch of partition 0 for want of a leader, and answers another's when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[asyncio.Future[object]] = []

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        future = await super().send_batch(batch, topic, partition=partition)
        if partition != 0:
            self.held.append(asyncio.get_running_loop().create_future())
            return self.held[-1]
        if len(self.of(0)) == 1:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(errors.LeaderNotAvailableError())
        return future

    async def stop(self) -> None:
        """What it holds is answered a while after it was told to end."""
        for _ in range(50):
            await asyncio.sleep(0)
        for future in self.held:
            future.set_result(None)
        await super().stop()

    def of(self, partition: int) -> list[PreparedBatch]:
        return [batch for lane, batch in self.taken if lane == partition]


def test_after_a_batch_that_failed_the_next_go_by_another_producer_and_none_is_sent_twice(
    tmp_path: Path,
) -> None:
    broken, fresh = FailsOnce(), Client()
    done = sent_by(trace(tmp_path, partitions=1), broken, fresh)
    assert broken.stopped
    assert [d.count for d in done if d.outcome != "ok"] == [7]
    assert [d.error for d in done if d.error] == ["LeaderNotAvailableError"]
    assert fresh.taken
    sent = [value for _, _, value, _ in records(broken) + records(fresh)]
    assert len(sent) == len(set(sent)) == EVENTS


def test_without_idempotence_a_batch_that_failed_is_of_no_consequence_to_the_next(tmp_path: Path) -> None:
    client = FailsOnce()
    done = sent_by(trace(tmp_path, partitions=1), client, idempotent=False)
    assert len(records(client)) == sum(d.count for d in done) == EVENTS


class Follows(Client):
    """Takes over from another producer, and notes what that one had not answered by then."""

    def __init__(self, before: FailsOnce) -> None:
        super().__init__()
        self.before, self.overtaken = before, 0

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        open_yet = [future for future in self.before.held if not future.done()]
        if partition != 0:
            self.overtaken += len(open_yet)
        return await super().send_batch(batch, topic, partition=partition)


def test_no_batch_overtakes_one_that_the_producer_before_has_yet_to_answer(tmp_path: Path) -> None:
    broken = FailsOnce()
    fresh = Follows(broken)
    done = sent_by(trace(tmp_path, partitions=2), broken, fresh)
    assert broken.held
    assert fresh.overtaken == 0
    assert sum(d.count for d in done) == EVENTS


def test_a_batch_is_sent_when_its_last_event_is_due(tmp_path: Path) -> None:
    pace = LoadSchedule(profile=Constant(rate=1e6), duration_s=1e-4).pace
    done = sent_by(trace(tmp_path), Client(), pace=pace)
    assert all(d.intended_ns == d.first_number * 1000 + 500 for d in done)
    assert all(d.started_ns >= (d.first_number + d.count - 1) * 1000 + 500 for d in done)


def test_without_a_profile_nothing_is_meant_for_any_moment(tmp_path: Path) -> None:
    assert {d.intended_ns for d in sent_by(trace(tmp_path), Client())} == {None}


@given(st.builds(Ramp, start=st.floats(0, 1e6), end=st.floats(0, 1e6)), st.lists(st.integers(0, 10**8)))
def test_later_events_are_due_later_and_none_after_the_loads_end(ramp: Ramp, numbers: list[int]) -> None:
    pace = LoadSchedule(profile=ramp, duration_s=60).pace
    due_ns = [pace.due_ns(number) for number in sorted(numbers)]
    assert due_ns == sorted(due_ns)
    assert all(0 <= ns <= 60 * 10**9 for ns in due_ns)


def test_a_schedule_whose_profile_does_not_fit_is_refused() -> None:
    with pytest.raises(ValidationError, match="peak: found 1/s; allowed: at least the base"):
        LoadSchedule(profile=SawTooth(base=2, peak=1, every=1), duration_s=60)


class StealingClient(Client):
    """Takes a batch at once, and ten milliseconds of the processor with it."""

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self.hand = hand

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        self.hand.ns += 10_000_000
        return await super().send_batch(batch, topic, partition=partition)


class BlockingClient(Client):
    """Has the leader keep each batch in the queue for a tenth of a second after the next is offered."""

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self.hand = hand

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        if self.taken:
            self.hand.ns += 100_000_000
            self.taken[-1][1]._build()
        future = await super().send_batch(batch, topic, partition=partition)
        batch.pass_over()
        return future


def metered(folder: Path, client: Callable[[Hand], Client], connecting_ns: int = 0) -> Noted:
    """What is noted of a load of fifteen batches that are all due within 0.1 ms."""
    hand, meter = Hand(), Noted()
    pace = LoadSchedule(profile=Constant(rate=1e6), duration_s=1e-4).pace
    own = client(hand)
    hand.ns = 1_000_000 + connecting_ns
    encoded = trace(folder, partitions=1)
    sent_by(encoded, own, pace=pace, meter=meter, now_ns=hand)
    return meter


def test_a_process_that_connects_late_is_late_itself(tmp_path: Path) -> None:
    meter = metered(tmp_path, lambda _: Client(), connecting_ns=5_000_000_000)
    assert max(meter.late) == pytest.approx(5_000_000_000, rel=1e-3)


def test_what_the_process_takes_to_send_is_no_back_pressure(tmp_path: Path) -> None:
    meter = metered(tmp_path, StealingClient)
    assert max(meter.late) == pytest.approx(140_000_000, rel=1e-2)
    assert max(meter.held_up) == 0


def test_what_waits_for_the_platform_is_back_pressure_and_no_fault_of_the_generator(tmp_path: Path) -> None:
    meter = metered(tmp_path, BlockingClient)
    assert max(meter.held_up) == 100_000_000
    assert max(meter.late) < 2_000_000
