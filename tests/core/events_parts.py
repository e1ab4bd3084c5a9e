"""Parts of a sender for tests: a small plan, and a Kafka client that does what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import KafkaError, KafkaException

from harness.base.event_clock import EventClock
from harness.base.run_clock import RunClock
from harness.history.operations import OperationsWriter
from harness.history.plan_schema import PLAN
from harness.history.progress import progress_file
from harness.history.writer import TableWriter
from harness.load.own_lateness import GeneratorMeter
from harness.load.plan.file import PlanFile
from harness.load.send.events.feed import PlanFeed
from harness.load.send.events.producer_lane import ProducerLane
from harness.load.send.events.record import EventsRecord
from harness.load.send.events.sender import EventsSender
from harness.load.share import WHOLE, Share


def plan_row(seq: int, **changes: Any) -> dict[str, Any]:
    """A valid event of entity ``e<seq modulo 6>``, due ``seq`` milliseconds after the start."""
    return {
        "seq": seq,
        "kind": "valid",
        "late": False,
        "original_seq": seq,
        "event_offset_ms": seq,
        "send_offset_ms": seq,
        "event_id": f"id-{seq}",
        "event_type": "t",
        "entity_id": f"e{seq % 6}",
        "category": "c",
        "payload": b'{"event_id": "id-%d"}' % seq,
        **changes,
    }


def write_plan(path: Path, rows: Sequence[dict[str, Any]], row_group_size: int = 10) -> Path:
    """A plan of these rows, in small row groups."""
    pq.write_table(pa.Table.from_pylist(list(rows), schema=PLAN), path, row_group_size=row_group_size)
    return path


def plan_file(path: Path, events: int) -> PlanFile:
    """What a plan of so many events says of itself."""
    return PlanFile(path=path, key="k", events=events, counts={}, span_ms=events, last_send_ms=events)


class Report:
    """What the client says of a message, as far as a sender asks."""

    def latency(self) -> float:
        return 0.001


class FakeProducer:
    """Holds up to ``room`` messages; ``poll`` acknowledges them when ``answers`` is set."""

    def __init__(self, room: int = 1000, answers: bool = True) -> None:
        self.room, self.answers = room, answers
        self.refuses: dict[bytes, KafkaError] = {}
        self.fatal: KafkaError | None = None
        """What every later event is answered with."""
        self.raises: KafkaError | None = None
        """What the next poll raises, as the client does once when it is beyond use."""
        self.taken: list[tuple[bytes, bytes, int]] = []
        self._held: list[Callable[..., None]] = []
        self._purged = False

    def produce(  # noqa: PLR0917 -- as the client has it
        self,
        topic: str,
        value: bytes,
        key: bytes,
        partition: int,
        on_delivery: Callable[..., None],
        timestamp: int,
    ) -> None:
        if self.fatal is not None:
            raise KafkaException(self.fatal)
        if value in self.refuses:
            raise KafkaException(self.refuses[value])
        if len(self._held) >= self.room:
            raise BufferError
        self.taken.append((key, value, timestamp))
        self._held.append(on_delivery)

    def poll(self, timeout: float) -> int:
        if self.raises is not None:
            error, self.raises = self.raises, None
            raise KafkaException(error)
        if self._purged:
            return self._answer(KafkaError(KafkaError._PURGE_QUEUE))
        return self._answer(None) if self.answers else 0

    def purge(self) -> None:
        """The reports on what was purged come with the next poll."""
        self._purged = True

    def __len__(self) -> int:
        return len(self._held)

    def _answer(self, error: KafkaError | None) -> int:
        held, self._held = self._held, []
        for on_delivery in held:
            on_delivery(error, Report())
        return len(held)


class Hand:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.ns = 1

    def __call__(self) -> int:
        return self.ns


def make_meter(
    folder: Path, now_ns: Callable[[], int], cpu_s: Callable[[], float] = lambda: 0.0
) -> GeneratorMeter:
    """A meter that samples into ``folder/history``."""
    return GeneratorMeter(TableWriter(folder / "history", "generator", "w"), "w", now_ns, cpu_s)


class Noted(GeneratorMeter):
    """A meter that keeps what it is told; nanoseconds."""

    def __init__(self) -> None:
        self.late: list[int] = []
        self.held_up: list[int] = []

    def woke(self, planned_ns: int, now_ns: int) -> None:
        self.late.append(now_ns - planned_ns)

    def handed_over(self, due_ns: int, now_ns: int, *, blocked_until_ns: int) -> None:
        self.late.append(now_ns - max(due_ns, blocked_until_ns))

    def blocked(self, due_ns: int, now_ns: int) -> None:
        self.held_up.append(now_ns - due_ns)


def generator(folder: Path) -> list[dict[str, Any]]:
    """The rows of the history's samples of the generator, in their order."""
    parts = [pq.read_table(path) for path in sorted((folder / "history" / "generator").glob("*.parquet"))]
    rows: list[dict[str, Any]] = pa.concat_tables(parts, promote_options="permissive").to_pylist()
    return rows


def make_lane(producer: FakeProducer, hand: Hand, *spares: FakeProducer) -> ProducerLane:
    """A lane whose client is ``producer``, then each of the spares."""
    rest = iter(spares)
    return ProducerLane("events", producer, lambda: next(rest), hand)  # type: ignore[arg-type,return-value]


def make_sender(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    producers: Sequence[FakeProducer],
    share: Share = WHOLE,
) -> tuple[EventsSender, Hand]:
    """A sender of these rows that starts at 1 ns, recorded in ``folder/history``."""
    (folder / "load").mkdir(exist_ok=True)
    hand = Hand()
    wall = RunClock(epoch_unix_ns=0, epoch_monotonic_ns=0, monotonic_ns=hand)
    clock = EventClock(origin_ms=1_000_000, load_start_ns=1, time_scale=1.0)
    feed = PlanFeed(write_plan(folder / "plan.parquet", rows), clock, share)
    sender = EventsSender(
        feed=feed,
        lanes=[make_lane(producer, hand) for producer in producers],
        record=EventsRecord(
            OperationsWriter(folder / "history", share.worker, wall),
            progress_file(folder / "load", share.worker),
            total=feed.total,
            workers=share.of,
        ),
        meter=make_meter(folder, hand),
        now_ns=hand,
        share=share,
    )
    return sender, hand


def turn(sender: EventsSender) -> None:
    """What a user does in one turn, for all lanes."""
    sender.deal()
    for lane in sender.lanes:
        sender.drive(lane)


def operations(folder: Path) -> list[dict[str, Any]]:
    """The rows of the history's operations, by seq."""
    parts = [pq.read_table(path) for path in sorted((folder / "history" / "operations").glob("*.parquet"))]
    rows: list[dict[str, Any]] = pa.concat_tables(parts, promote_options="permissive").to_pylist()
    return sorted(rows, key=lambda row: row["first_seq"])
