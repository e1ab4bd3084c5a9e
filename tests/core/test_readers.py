"""Readers ask for what is due, when the seed says so, whatever becomes of the requests before."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from cassandra import OperationTimedOut, ReadTimeout, Unavailable
from cassandra.cluster import NoHostAvailable
from cassandra.util import OrderedMap
from hypothesis import given
from hypothesis import strategies as st

from harness.base.event_clock import EventClock
from harness.base.run_clock import RunClock
from harness.history.operations import OperationsWriter
from harness.load.readers.hot_point import HotPoint
from harness.load.readers.hot_range import HotRange
from harness.load.readers.protocol import Answer, Request
from harness.load.readers.reading import Arrival, Reading, arrivals
from harness.load.readers.registry import READER_KINDS
from harness.load.readers.sent_events import SentEvents
from harness.scenario.profiles.arrivals import arrivals_s
from harness.scenario.profiles.constant import Constant
from pipeline.base.endpoints import Endpoints
from tests.core.events_parts import plan_row, write_plan

CLOCK = EventClock(origin_ms=1_000_000, load_start_ns=50, time_scale=2.0)
RUN_CLOCK = RunClock(epoch_unix_ns=0, epoch_monotonic_ns=0)
DAY_MS = 86_400_000


def arriving(seed: int = 7, rate_per_s: float = 100.0, duration_s: float = 10.0) -> list[Arrival]:
    weights = {"often": 9, "seldom": 1}
    return list(
        arrivals(rate_per_s=rate_per_s, weights=weights, start_ns=50, duration_s=duration_s, seed=seed)
    )


@given(st.integers(0, 2**32 - 1), st.floats(1, 500), st.floats(1, 20))
def test_requests_arrive_in_order_within_the_load_at_their_rate(
    seed: int, rate_per_s: float, duration_s: float
) -> None:
    found = [arrival.intended_ns for arrival in arriving(seed, rate_per_s, duration_s)]
    assert found == sorted(found)
    assert all(50 <= at_ns <= 50 + duration_s * 1e9 for at_ns in found)
    assert len(found) == round(rate_per_s * duration_s)


def test_the_seed_decides_when_requests_arrive_and_of_which_kind() -> None:
    assert arriving(seed=7) == arriving(seed=7)
    assert arriving(seed=7) != arriving(seed=8)


def test_kinds_come_by_their_weights() -> None:
    assert Counter(arrival.kind for arrival in arriving())["seldom"] == pytest.approx(100, abs=40)


def test_readers_do_not_arrive_at_the_moments_of_the_events() -> None:
    events = arrivals_s(Constant(rate=100.0).curve(10.0), "poisson", seed=7)
    assert not {round(at_s * 1e9) + 50 for at_s in events} & {a.intended_ns for a in arriving(seed=7)}


def sent_events(folder: Path, rows: Iterable[dict[str, Any]], **limits: int) -> SentEvents:
    return SentEvents(write_plan(folder / "plan.parquet", list(rows)), CLOCK, **limits)


def drawn(sent: SentEvents, now_ns: int, draws: int = 200) -> Counter[str]:
    rng = Random(1)
    return Counter(sent.draw(rng, now_ns).event_id for _ in range(draws))


def due_ns(send_offset_ms: int) -> int:
    return 50 + send_offset_ms * 1_000_000 // 2


def test_only_what_is_due_is_asked_for(tmp_path: Path) -> None:
    sent = sent_events(tmp_path, map(plan_row, range(25)))
    assert set(drawn(sent, due_ns(4))) == {f"id-{seq}" for seq in range(5)}
    assert set(drawn(sent, due_ns(4) - 1)) == {f"id-{seq}" for seq in range(4)}


def test_before_anything_is_due_the_first_event_is_asked_for(tmp_path: Path) -> None:
    assert set(drawn(sent_events(tmp_path, map(plan_row, range(25))), 0)) == {"id-0"}


@pytest.mark.parametrize("kind", ["duplicate", "malformed", "closing"])
def test_only_valid_events_are_asked_for(tmp_path: Path, kind: str) -> None:
    sent = sent_events(tmp_path, [plan_row(0), plan_row(1, kind=kind), plan_row(2)])
    assert set(drawn(sent, 10**9)) == {"id-0", "id-2"}


def test_entities_come_up_by_their_popularity(tmp_path: Path) -> None:
    rows = [plan_row(seq, event_id="rare" if seq == 9 else "common") for seq in range(10)]
    assert 5 < drawn(sent_events(tmp_path, rows), 10**9)["rare"] < 40


def test_of_a_large_plan_some_events_stand_for_all(tmp_path: Path) -> None:
    sent = sent_events(tmp_path, map(plan_row, range(25)), events_max=10)
    assert set(drawn(sent, 10**9)) == {f"id-{seq}" for seq in range(0, 25, 3)}


def test_an_event_bears_its_time_and_its_day(tmp_path: Path) -> None:
    sent = sent_events(tmp_path, [plan_row(0, event_offset_ms=DAY_MS)])
    event = sent.draw(Random(1), 10**9)
    assert (event.event_time_ms, event.day.isoformat()) == (1_000_000 + DAY_MS, "1970-01-02")


def test_a_point_read_asks_for_the_full_key_of_an_event(tmp_path: Path) -> None:
    request = HotPoint().next_request(Random(1), sent_events(tmp_path, [plan_row(3)]), 10**9)
    entity, day, time_ms, event_id = request.values
    assert (entity, str(day), time_ms, event_id, request.seq) == ("e3", "1970-01-01", 1_000_003, "id-3", 3)


def test_a_range_read_asks_for_an_entitys_day(tmp_path: Path) -> None:
    request = HotRange().next_request(Random(1), sent_events(tmp_path, [plan_row(3)]), 10**9)
    assert (request.values[0], str(request.values[1]), request.seq) == ("e3", "1970-01-01", -1)


def test_each_kind_binds_as_many_values_as_its_statement_has_marks(tmp_path: Path) -> None:
    sent = sent_events(tmp_path, [plan_row(3)])
    for kind in (HotPoint(), HotRange()):
        assert kind.statement.count("?") == len(kind.next_request(Random(1), sent, 0).values)


def answered(*rows: tuple[Any, ...]) -> Answer:
    return HotPoint().perform(lambda values: rows, Request(values=()))


def test_what_was_found_is_counted_in_bytes() -> None:
    flags = OrderedMap([("k", "vv")])
    assert answered(("é", 1.5, None, flags), ("a", 2, None, None)) == Answer(bytes=2 + 8 + 3 + 1 + 8)


def test_what_was_not_found_is_no_failure() -> None:
    assert answered() == Answer(outcome="ok", bytes=0)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OperationTimedOut(), "unknown"),
        (ReadTimeout("slow"), "fail"),
        (Unavailable("none"), "fail"),
        (NoHostAvailable("none", {}), "fail"),
        (OSError(), "fail"),
    ],
)
def test_a_read_that_is_not_answered_is_told_by_its_error(error: Exception, outcome: str) -> None:
    def ask(values: object) -> Any:
        raise error

    answer = HotPoint().perform(ask, Request(values=()))
    assert answer == Answer(outcome=outcome, error=type(error).__name__)  # type: ignore[arg-type]


def test_what_is_registered_has_operations_of_its_own() -> None:
    operations = [kind.operation for kind in READER_KINDS.values()]
    assert len(set(operations)) == len(operations)


@dataclasses.dataclass
class Asked:
    """A kind of user whose requests take as long as they are told, on a clock that they move."""

    operation: str = "asked"
    describes: str = ""
    now_ns: int = 0
    takes_ns: int = 0
    raises: BaseException | None = None
    requests: list[Request] = dataclasses.field(default_factory=list)

    def connect(self, endpoints: Endpoints, *, timeout_s: float) -> AbstractContextManager[None]:
        return nullcontext()

    def next_request(self, rng: Random, sent: SentEvents, now_ns: int) -> Request:
        return Request(values=(sent.draw(rng, now_ns).event_id,), seq=3)

    def perform(self, client: None, request: Request) -> Answer:
        self.requests.append(request)
        self.now_ns += self.takes_ns
        if self.raises is not None:
            raise self.raises
        return Answer(bytes=30)


def reading(folder: Path, kind: Asked, *at_ns: int) -> Reading:
    def arrive() -> Iterator[Arrival]:
        yield from (Arrival(kind="asked", intended_ns=at) for at in at_ns)

    return Reading(
        arrivals=arrive(),
        kinds={"asked": kind},
        clients={"asked": None},
        sent=sent_events(folder, map(plan_row, range(25))),
        rng=Random(1),
        operations=OperationsWriter(folder, "readers-0", RUN_CLOCK),
        now_ns=lambda: kind.now_ns,
    )


def perform_all(reads: Reading) -> None:
    while (turn := reads.next_turn()) is not None:
        reads.perform(turn)


def recorded(folder: Path, *names: str) -> list[tuple[Any, ...]]:
    rows = pq.read_table(folder / "operations").to_pylist()
    return [tuple(row[name] for name in names) for row in rows]


def test_a_read_is_recorded_with_what_it_found(tmp_path: Path) -> None:
    reads = reading(tmp_path, Asked(now_ns=10, takes_ns=5), 7)
    perform_all(reads)
    reads.close()
    names = ("kind", "worker", "first_seq", "last_seq", "count", "bytes", "outcome", "error")
    assert recorded(tmp_path, *names) == [("asked", "readers-0", 3, 3, 1, 30, "ok", "")]


def test_what_waits_for_those_before_counts_from_when_it_arrived(tmp_path: Path) -> None:
    reads = reading(tmp_path, Asked(now_ns=10, takes_ns=100), 10, 20)
    perform_all(reads)
    reads.close()
    assert recorded(tmp_path, "intended_ns", "started_ns", "completed_ns") == [
        (10, 10, 110),
        (20, 110, 210),
    ]


def test_what_is_asked_for_does_not_depend_on_how_long_answers_take(tmp_path: Path) -> None:
    quick, slow = Asked(), Asked(takes_ns=10**9)
    for kind in (quick, slow):
        perform_all(reading(tmp_path, kind, *range(0, 20_000_000, 1_000_000)))
    assert quick.requests == slow.requests


def test_a_request_is_not_made_before_it_is_due(tmp_path: Path) -> None:
    kind = Asked(now_ns=5)
    reads = reading(tmp_path, kind, 1_000_000_005)
    turn = reads.next_turn()
    assert turn is not None
    assert reads.wait_s(turn) == pytest.approx(1.0)
    kind.now_ns = 2_000_000_000
    assert reads.wait_s(turn) == 0.0


def test_a_request_that_is_cut_short_is_recorded_as_unknown(tmp_path: Path) -> None:
    reads = reading(tmp_path, Asked(raises=KeyboardInterrupt()), 1)
    with pytest.raises(KeyboardInterrupt):
        perform_all(reads)
    reads.close()
    assert recorded(tmp_path, "outcome", "error") == [("unknown", "stopped")]


def test_readers_are_done_when_the_last_request_is(tmp_path: Path) -> None:
    reads = reading(tmp_path, Asked(), 1)
    turn = reads.next_turn()
    assert (reads.next_turn(), reads.done) == (None, False)
    assert turn is not None
    reads.perform(turn)
    assert reads.done
