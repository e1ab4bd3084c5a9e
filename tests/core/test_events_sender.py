"""A sender sends what is due, in order, keeps what the client does not take, and records every outcome."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.history.progress import LoadProgress
from tests.core.events_parts import (
    FakeProducer,
    generator,
    make_lane,
    make_sender,
    operations,
    plan_row,
    turn,
)

ROWS = [plan_row(seq) for seq in range(25)]


def outcomes(folder: Path) -> dict[int, str]:
    rows = operations(folder)
    return {seq: row["outcome"] for row in rows for seq in range(row["first_seq"], row["last_seq"] + 1)}


def test_nothing_is_sent_before_it_is_due(tmp_path: Path) -> None:
    producer = FakeProducer()
    sender, hand = make_sender(tmp_path, ROWS, [producer])
    hand.ns = 10_000_001 - 1
    turn(sender)
    assert [value for _, value, _ in producer.taken] == [row["payload"] for row in ROWS[:10]]


def test_everything_due_is_sent_although_nothing_is_acknowledged(tmp_path: Path) -> None:
    producer = FakeProducer(answers=False)
    sender, hand = make_sender(tmp_path, ROWS, [producer])
    for hand.ns in (5_000_001, 30_000_001):
        turn(sender)
    assert len(producer.taken) == len(ROWS)


def test_an_event_bears_its_event_time_and_its_entity(tmp_path: Path) -> None:
    producer = FakeProducer()
    sender, _ = make_sender(tmp_path, [plan_row(0, event_offset_ms=7, entity_id="N1")], [producer])
    turn(sender)
    assert producer.taken == [(b"N1", ROWS[0]["payload"], 1_000_007)]


def test_a_damaged_event_without_an_entity_has_its_seq_as_key(tmp_path: Path) -> None:
    producer = FakeProducer()
    sender, _ = make_sender(tmp_path, [plan_row(0, entity_id=None)], [producer])
    turn(sender)
    assert producer.taken[0][0] == b"0"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(lanes=st.integers(1, 5))
def test_lanes_share_the_events_and_keep_the_order_of_each_entity(tmp_path: Path, lanes: int) -> None:
    producers = [FakeProducer() for _ in range(lanes)]
    sender, hand = make_sender(tmp_path, ROWS, producers)
    hand.ns = 10**9
    turn(sender)
    for entity in (b"e0", b"e1", b"e2", b"e3", b"e4", b"e5"):
        sent = [[v for k, v, _ in producer.taken if k == entity] for producer in producers]
        assert [values for values in sent if values] == [
            [row["payload"] for row in ROWS if row["entity_id"].encode() == entity]
        ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(lanes=st.integers(1, 5), room=st.integers(1, 9))
def test_every_event_has_one_outcome_with_any_number_of_lanes(tmp_path: Path, lanes: int, room: int) -> None:
    for part in (tmp_path / "history" / "operations").glob("*"):
        part.unlink()
    sender, hand = make_sender(tmp_path, ROWS, [FakeProducer(room) for _ in range(lanes)])
    hand.ns = 10**9
    while sender.sending:
        turn(sender)
        sender.report()
    sender.close()
    assert outcomes(tmp_path) == dict.fromkeys(range(25), "ok")
    rows = operations(tmp_path)
    assert sum(row["count"] for row in rows) == 25
    assert sum(row["bytes"] for row in rows) == sum(len(row["payload"]) for row in ROWS)


def test_what_a_full_client_does_not_take_is_sent_later_and_shows_it(tmp_path: Path) -> None:
    sender, hand = make_sender(tmp_path, ROWS[:2], [FakeProducer(room=1)])
    for hand.ns in (1_000_001, 900_000_001):
        turn(sender)
    sender.close()
    waits_ns = [row["started_ns"] - row["intended_ns"] for row in operations(tmp_path)]
    assert waits_ns == [1_000_000, 899_000_000]


def test_a_full_client_gets_the_events_in_order(tmp_path: Path) -> None:
    producer = FakeProducer(room=1)
    sender, hand = make_sender(tmp_path, ROWS, [producer])
    for hand.ns in range(1, 150_000_000, 5_000_000):
        turn(sender)
    assert [value for _, value, _ in producer.taken] == [row["payload"] for row in ROWS]


def test_progress_tells_how_far_behind_the_sending_is(tmp_path: Path) -> None:
    sender, hand = make_sender(tmp_path, ROWS[:2], [FakeProducer(room=1, answers=False)])
    hand.ns = 1_000_001
    turn(sender)
    hand.ns = 21_000_001
    sender.report()
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert (progress.state, progress.sent, progress.behind_ms) == ("sending", 1, 20.0)


def test_what_the_client_refuses_has_failed_and_the_rest_goes_on(tmp_path: Path) -> None:
    producer = FakeProducer()
    producer.refuses[ROWS[1]["payload"]] = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    sender, hand = make_sender(tmp_path, ROWS[:3], [producer])
    hand.ns = 10**9
    turn(sender)
    sender.close()
    assert [(row["outcome"], row["error"]) for row in operations(tmp_path)] == [
        ("ok", ""),
        ("fail", "MSG_SIZE_TOO_LARGE"),
        ("ok", ""),
    ]


def test_at_the_end_what_the_client_holds_is_unknown_and_what_was_not_sent_is_absent(tmp_path: Path) -> None:
    sender, hand = make_sender(tmp_path, ROWS, [FakeProducer(room=10, answers=False)])
    hand.ns = 10**9
    turn(sender)
    sender.close()
    assert outcomes(tmp_path) == dict.fromkeys(range(10), "unknown")
    assert operations(tmp_path)[0]["error"] == "_PURGE_QUEUE"
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert (progress.state, progress.sent, progress.unknown) == ("done", 10, 10)


def test_a_batch_that_stays_open_is_recorded_as_far_as_it_is_known(tmp_path: Path) -> None:
    dead = FakeProducer(answers=False)
    sender, hand = make_sender(tmp_path, ROWS, [FakeProducer(), dead])
    hand.ns = 10**9
    turn(sender)
    hand.ns = 3 * 10**9
    sender.report()
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert progress.acknowledged == len(ROWS) - len(dead.taken) > 0


def test_what_the_client_never_reports_on_is_unknown(tmp_path: Path) -> None:
    mute = FakeProducer(answers=False)
    mute.purge = lambda: None  # type: ignore[method-assign]
    sender, _ = make_sender(tmp_path, ROWS[:1], [mute])
    turn(sender)
    sender.close()
    assert outcomes(tmp_path) == {0: "unknown"}


def test_a_closed_sender_stays_closed(tmp_path: Path) -> None:
    sender, _ = make_sender(tmp_path, ROWS, [FakeProducer()])
    sender.close()
    assert sender.close().events == 0
    assert sender.closed


def test_a_dead_client_is_replaced_and_no_event_is_skipped(tmp_path: Path) -> None:
    dead, spare = FakeProducer(answers=False), FakeProducer()
    sender, hand = make_sender(tmp_path, ROWS, [dead])
    lane = make_lane(dead, hand, spare)
    sender.lanes = [lane]
    hand.ns = 5_000_001
    turn(sender)
    dead.fatal = KafkaError(KafkaError._FATAL, fatal=True)
    for hand.ns in (2 * 10**9, 2 * 10**9 + 1):
        turn(sender)
    sender.close()
    assert [value for _, value, _ in dead.taken + spare.taken] == [row["payload"] for row in ROWS]
    assert outcomes(tmp_path) == dict.fromkeys(range(6), "unknown") | dict.fromkeys(range(6, 25), "ok")
    assert operations(tmp_path)[0]["error"] == "_PURGE_QUEUE"


FATAL = KafkaError(KafkaError._FATAL, "acknowledged messages may be lost", fatal=True)


@pytest.mark.parametrize("at_ns", [5_000_002, 2 * 10**9])
def test_a_client_that_dies_while_it_is_asked_for_reports_is_replaced(at_ns: int, tmp_path: Path) -> None:
    dead, spare = FakeProducer(answers=False), FakeProducer()
    sender, hand = make_sender(tmp_path, ROWS, [dead])
    sender.lanes = [make_lane(dead, hand, spare)]
    hand.ns = 5_000_001
    turn(sender)
    dead.fatal = dead.raises = FATAL
    for hand.ns in (at_ns, 3 * 10**9, 3 * 10**9 + 1):
        turn(sender)
    sender.close()
    assert outcomes(tmp_path) == dict.fromkeys(range(6), "unknown") | dict.fromkeys(range(6, 25), "ok")


def test_a_client_that_dies_when_nothing_is_left_to_send_loses_no_outcome(tmp_path: Path) -> None:
    dead = FakeProducer(answers=False)
    sender, hand = make_sender(tmp_path, ROWS, [dead])
    sender.lanes = [make_lane(dead, hand, FakeProducer())]
    hand.ns = 10**9
    turn(sender)
    dead.fatal = dead.raises = FATAL
    sender.close()
    assert outcomes(tmp_path) == dict.fromkeys(range(25), "unknown")


def test_a_client_that_was_replaced_and_dies_again_is_no_loss(tmp_path: Path) -> None:
    dead, spare = FakeProducer(answers=False), FakeProducer()
    sender, hand = make_sender(tmp_path, ROWS, [dead])
    sender.lanes = [make_lane(dead, hand, spare)]
    hand.ns = 5_000_001
    turn(sender)
    dead.purge = lambda: None  # type: ignore[method-assign]
    for hand.ns in (2 * 10**9, 2 * 10**9 + 1, 4 * 10**9):
        dead.fatal = dead.raises = FATAL
        turn(sender)
    assert spare.fatal is None
    sender.close()
    assert outcomes(tmp_path) == dict.fromkeys(range(6), "unknown") | dict.fromkeys(range(6, 25), "ok")


def test_what_a_client_raises_that_still_works_is_not_swallowed(tmp_path: Path) -> None:
    broken = FakeProducer()
    broken.raises = KafkaError(KafkaError._FAIL)
    sender, _ = make_sender(tmp_path, ROWS, [broken])
    with pytest.raises(KafkaException):
        turn(sender)


def test_progress_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, _ = make_sender(tmp_path, ROWS, [FakeProducer()])
    sender.report()
    before = LoadProgress.load(tmp_path / "load")

    def interrupted(self: Path, text: str) -> int:
        with self.open("w") as file:
            file.write(text[:5])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", interrupted)
    with pytest.raises(OSError, match="disk full"):
        sender.report()
    assert LoadProgress.load(tmp_path / "load") == before


def test_there_is_no_progress_before_the_first(tmp_path: Path) -> None:
    assert LoadProgress.load(tmp_path / "load") is None


def lateness(folder: Path) -> tuple[float, float]:
    """Of the first sample: through the generator's own fault, and through back-pressure, in ms."""
    first = generator(folder)[0]
    return first["late_ms"], first["blocked_ms"]


def test_a_turn_that_comes_late_is_the_generators_own_fault(tmp_path: Path) -> None:
    sender, hand = make_sender(tmp_path, ROWS, [FakeProducer()])
    for hand.ns in (1, 810_000_001):
        turn(sender)
    sender.close()
    assert lateness(tmp_path) == (809.0, 0.0)


def test_what_a_full_client_does_not_take_is_back_pressure(tmp_path: Path) -> None:
    sender, hand = make_sender(tmp_path, ROWS, [FakeProducer(room=1, answers=False)])
    for hand.ns in range(1, 800_000_002, 10_000_000):
        turn(sender)
    sender.close()
    late_ms, blocked_ms = lateness(tmp_path)
    assert (late_ms, blocked_ms) == (9.0, 799.0)


def test_what_waits_in_the_plan_behind_a_full_client_is_back_pressure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.load.send.events.sender._WAITING_EVENTS_MAX", 5)
    client = FakeProducer(room=5, answers=False)
    sender, hand = make_sender(tmp_path, ROWS, [client])
    for hand.ns in range(1, 800_000_002, 10_000_000):
        turn(sender)
    client.answers, client.room = True, 100
    for hand.ns in (810_000_001, 820_000_001):
        turn(sender)
    sender.close()
    assert len(client.taken) == len(ROWS)
    assert lateness(tmp_path)[0] < 25


def test_what_was_sent_before_a_plan_turned_out_to_be_damaged_is_recorded(tmp_path: Path) -> None:
    def damaged() -> Iterator[None]:
        raise OSError("the plan is damaged")
        yield

    sender, hand = make_sender(tmp_path, ROWS, [FakeProducer()])
    sender._feed._chunks = damaged()  # type: ignore[assignment]
    hand.ns = 10_000_001
    turn(sender)
    hand.ns = 10**12
    with pytest.raises(OSError, match="damaged"):
        turn(sender)
    sender.close()
    assert set(outcomes(tmp_path)) == set(range(11))
