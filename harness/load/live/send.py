"""Sends events as they are computed, as fast as one process can or at the pace of a profile.

Facts of confluent-kafka 2.16.1 and its librdkafka 2.16.0, from their source and by measurement against
librdkafka's own mock cluster, which decided for ``produce`` and against ``produce_batch``:

- ``produce_batch`` refuses timestamps (NotImplementedError), as ``rd_kafka_produce_batch`` has no place for
  one: every record of a call bears the moment of the call. Event time is the record's timestamp here.
- It ignores the ``partition`` of a message, since it does not pass RD_KAFKA_MSG_F_PARTITION; only that of the
  call counts. It takes a dictionary for each message, and holds the interpreter's lock while it partitions.
- ``produce`` with its arguments by position and the partition told takes 0.4 to 0.6 us of the thread that
  calls it, ``produce_batch`` 0.6 to 1.0 us. By keyword, and with the partition left to the client, it takes
  about 1.0 us.
- A queue that is full, or a fatal error, comes as an exception of ``produce``, before the message is taken;
  ``produce_batch`` would leave ``_error`` in the dictionaries of those that it did not take.
- The client frees its state of a message when it serves the report on it, in ``poll``, whether anybody wants
  the report or not. ``delivery.report.only.error`` saves 0.2 us a message, but then a message that is under
  way and one that was acknowledged look the same until nothing is under way. So each message is reported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from harness.load.generator import GeneratorMeter
from harness.load.live.flight import Flight
from harness.load.live.source import Chunk, Source
from harness.load.murmur2 import murmur2
from harness.load.replay_outcome import refusal_of
from harness.load.wire.pace import Pace
from harness.load.wire.replay import Completion

_LONGEST_POLL_S: Final = 0.1
_ROOM_POLL_S: Final = 0.01
_PURGE_S: Final = 5.0
"""How long the client may take to report on what it was told to drop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLoad:
    """What is sent, where and when."""

    source: Source
    topic: str
    partitions: int
    """Of the topic: keys go where Kafka's own clients send them."""
    events: int
    pace: Pace
    load_start_ns: int
    origin_ms: int
    """Event time of the first event, in milliseconds since 1970."""
    flight_events: int
    """So many are handed over together, when the last of them is due, and recorded together."""


@dataclass(frozen=True, slots=True)
class _Sent:
    flight: Flight
    first_number: int
    intended_ns: int
    started_ns: int


class _PartitionOfKey(dict[bytes | None, int]):
    """Computes the partition of each key once. Without a key, the client chooses."""

    def __init__(self, partitions: int) -> None:
        super().__init__({None: -1})
        self._partitions = partitions

    def __missing__(self, key: bytes) -> int:
        partition = self[key] = (murmur2(key) & 0x7FFFFFFF) % self._partitions
        return partition


class LiveSender:
    """One load through one producer, and another once it is beyond use."""

    def __init__(
        self,
        load: LiveLoad,
        make_producer: Callable[[], Producer],
        *,
        record: Callable[[Completion], None],
        meter: GeneratorMeter,
        now_ns: Callable[[], int],
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._load, self._make_producer, self._record = load, make_producer, record
        self._now_ns, self._tick, self._meter = now_ns, tick, meter
        self._blocked_until_ns = 0
        self._producer = make_producer()
        self._retired: list[Producer] = []
        self._partition_of = _PartitionOfKey(load.partitions)
        self._under_way: deque[_Sent] = deque()
        self._stopping = False

    def stop(self) -> None:
        """Hand nothing more to the client."""
        self._stopping = True

    def run(self, *, flush_timeout_s: float) -> None:
        """Send everything and wait for the reports. Raises KafkaException when no producer can be had."""
        number = 0
        for part in self._parts():
            intended_ns = self._until_due(number, len(part.payloads))
            if self._stopping:
                break
            self._hand_over(number, part, intended_ns)
            number += len(part.payloads)
            self._serve(0)
        self._settle(flush_timeout_s)

    def _parts(self) -> Iterator[Chunk]:
        for chunk in self._load.source.chunks(self._load.events):
            yield from chunk.parts(self._load.flight_events)

    def _until_due(self, number: int, count: int) -> int | None:
        """Wait for the last of some events. When the first was due; None where nothing is."""
        first_ns = self._load.pace.due_ns(number)
        last_ns = self._load.pace.due_ns(number + count - 1)
        if first_ns is None or last_ns is None:
            return None
        due_ns = self._load.load_start_ns + last_ns
        while not self._stopping:
            now_ns = self._now_ns()
            if now_ns >= due_ns:
                self._meter.handed_over(due_ns, now_ns, blocked_until_ns=self._blocked_until_ns)
                break
            self._serve(min((due_ns - now_ns) / 1e9, _LONGEST_POLL_S))
        return self._load.load_start_ns + first_ns

    def _hand_over(self, number: int, part: Chunk, intended_ns: int | None) -> None:
        """Give events to the client, which takes them when its queue has room."""
        started_ns = self._now_ns()
        flight = Flight(part.payloads, self._now_ns)
        due_ns = started_ns if intended_ns is None else intended_ns
        self._under_way.append(_Sent(flight, number, due_ns, started_ns))
        topic, report, origin_ms = self._load.topic, flight.report, self._load.origin_ms
        partition_of = self._partition_of
        events = zip(part.payloads, part.keys, part.offsets_ms, strict=True)
        for place, (payload, key, offset_ms) in enumerate(events):
            while True:
                try:
                    # By position: names would take the client twice as long.
                    self._producer.produce(
                        topic, payload, key, partition_of[key], report, None, origin_ms + offset_ms
                    )
                except BufferError:
                    if self._stopping:
                        flight.cut(place)
                        return
                    self._await_room(due_ns)
                    continue
                except KafkaException as refusal:
                    error: KafkaError = refusal.args[0]
                    if error.fatal() or error.code() == KafkaError._FATAL:
                        self._renew()
                        continue
                    flight.refused(place, refusal_of(error))
                break

    def _await_room(self, due_ns: int) -> None:
        """The client's queue is full, which is the platform's doing; that a poll lasts too long is ours."""
        wanted_ns = self._now_ns() + round(_ROOM_POLL_S * 1e9)
        self._serve(_ROOM_POLL_S)
        self._blocked_until_ns = self._now_ns()
        self._meter.woke(wanted_ns, self._blocked_until_ns)
        self._meter.blocked(due_ns, self._blocked_until_ns)

    def _renew(self) -> None:
        """Replace a producer that the client declared dead. Of what it held, nobody knows."""
        self._producer.purge()
        self._retired.append(self._producer)
        self._producer = self._make_producer()

    def _serve(self, timeout_s: float) -> None:
        """Take the client's reports, and record the flights of which nothing is open."""
        self._producer.poll(timeout_s)
        for retired in self._retired:
            retired.poll(0)
        self._retired = [retired for retired in self._retired if len(retired)]
        for _ in range(len(self._under_way)):
            sent = self._under_way.popleft()
            if sent.flight.open:
                self._under_way.append(sent)
            else:
                self._record_all(sent)
        self._tick()

    def _record_all(self, sent: _Sent) -> None:
        for done in sent.flight.completions(
            sent.first_number, intended_ns=sent.intended_ns, started_ns=sent.started_ns
        ):
            self._record(done)

    def _settle(self, timeout_s: float) -> None:
        """Wait; then have the client report on what it still holds, which is unknown."""
        self._wait_for_reports(timeout_s)
        for producer in (self._producer, *self._retired):
            producer.purge()
        self._wait_for_reports(_PURGE_S)
        for sent in self._under_way:
            sent.flight.give_up()
        self._serve(0)

    def _wait_for_reports(self, timeout_s: float) -> None:
        deadline_ns = self._now_ns() + round(timeout_s * 1e9)
        while self._under_way and self._now_ns() < deadline_ns:
            self._serve(_LONGEST_POLL_S)
