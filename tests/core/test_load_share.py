"""A load that several workers send: who sends what, what they sum up to, and when one is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.history.progress import LoadProgress, LoadState, progress_file
from harness.load.share import Share
from harness.load.tally import Tally
from harness.load.workers.roster import LOST_AFTER_S, WorkerRoster
from tests.core.events_parts import FakeProducer, make_sender, operations, plan_row, turn

NAMES = st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=6)


def save(folder: Path, worker: int, state: LoadState, **counts: Any) -> None:
    known = {"sent": 4, "acknowledged": 2, "unknown": 1, "failed": 1, "total": 20, "behind_ms": 0.0}
    progress = LoadProgress(state=state, at_ns=worker, workers=2, **known | counts)
    progress.save(progress_file(folder, f"worker-{worker}"))


@given(st.binary(), st.integers(0, 200), st.integers(1, 9))
def test_every_entity_and_every_partition_is_in_one_share(key: bytes, partition: int, of: int) -> None:
    shares = [Share(index=index, of=of) for index in range(of)]
    assert sum(share.holds_entity(key) for share in shares) == 1
    assert sum(share.holds_partition(partition) for share in shares) == 1


@pytest.mark.parametrize(("index", "of"), [(2, 2), (-1, 2), (0, 0)])
def test_there_is_no_share_beyond_the_last(index: int, of: int) -> None:
    with pytest.raises(ValidationError):
        Share(index=index, of=of)


def test_every_lane_of_a_share_is_used() -> None:
    keys = [b"%d" % number for number in range(400)]
    share = Share(index=1, of=4)
    dealt = share.deal([key for key in keys if share.holds_entity(key)], lanes=4)
    assert all(dealt)


@pytest.mark.parametrize("of", [1, 2, 3])
def test_the_shares_of_a_plan_are_recorded_as_the_whole_of_it(tmp_path: Path, of: int) -> None:
    rows = [plan_row(seq) for seq in range(60)]
    for index in range(of):
        sender, hand = make_sender(tmp_path, rows, [FakeProducer()], Share(index=index, of=of))
        hand.ns = 10**9
        while sender.sending:
            turn(sender)
        sender.close()
    told = operations(tmp_path)
    assert [seq for row in told for seq in range(row["first_seq"], row["last_seq"] + 1)] == list(range(60))
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert (progress.state, progress.acknowledged, progress.total) == ("done", 60, 60)


def test_progress_is_the_sum_of_the_workers(tmp_path: Path) -> None:
    save(tmp_path, 0, "sending", behind_ms=3.0)
    save(tmp_path, 1, "sending")
    told = LoadProgress.load(tmp_path)
    assert told is not None
    assert (told.sent, told.acknowledged, told.unknown, told.failed) == (8, 4, 2, 2)
    assert (told.total, told.behind_ms, told.workers) == (20, 3.0, 2)


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["done", "done"], "done"),
        (["done", "flushing"], "flushing"),
        (["done", "waiting"], "sending"),
        (["waiting", "waiting"], "waiting"),
        (["done"], "sending"),
        (["waiting"], "waiting"),
    ],
)
def test_a_load_is_done_when_all_of_its_workers_are(
    tmp_path: Path, states: list[LoadState], whole: LoadState
) -> None:
    for worker, state in enumerate(states):
        save(tmp_path, worker, state)
    told = LoadProgress.load(tmp_path)
    assert told is not None
    assert told.state == whole


def test_a_load_that_its_master_ended_failed_whatever_its_workers_recorded(tmp_path: Path) -> None:
    save(tmp_path, 0, "done")
    save(tmp_path, 1, "done")
    LoadProgress.of_failure(5).save(progress_file(tmp_path, "master"))
    told = LoadProgress.load(tmp_path)
    assert told is not None
    assert (told.state, told.sent, told.total, told.workers) == ("failed", 8, 20, 2)


@given(
    st.builds(
        Tally,
        events=st.integers(0, 10**9),
        size_bytes=st.integers(0, 10**9),
        response_ms=st.dictionaries(st.integers(0, 10**6), st.integers(1, 9)).map(Counter),
        errors=st.dictionaries(st.text(), st.integers(1, 9)).map(Counter),
    )
)
def test_a_tally_survives_its_way_to_another_process(tally: Tally) -> None:
    line = tally.dump()
    assert line.count(b"\n") == 1
    assert Tally.parse(line) == tally


@given(NAMES)
def test_the_shares_of_a_roster_are_one_for_each_worker(names: set[str]) -> None:
    shares = dict(WorkerRoster(names, 0.0).shares())
    assert shares.keys() == names
    assert sorted(share.index for share in shares.values()) == list(range(len(names)))
    assert {share.of for share in shares.values()} == {len(names)}


def test_a_worker_that_is_silent_for_too_long_is_lost() -> None:
    roster = WorkerRoster(["a", "b"], 0.0)
    roster.saw(["a"], LOST_AFTER_S)
    assert roster.lost(LOST_AFTER_S) is None
    assert roster.lost(LOST_AFTER_S + 0.1) == "b"


def test_a_worker_that_is_done_may_leave() -> None:
    roster = WorkerRoster(["a", "b"], 0.0)
    roster.finished("b")
    roster.saw(["a"], 99.0)
    assert roster.lost(99.0) is None
    assert not roster.complete
    roster.finished("a")
    assert roster.complete


def test_a_worker_that_comes_late_is_not_in_the_roster() -> None:
    roster = WorkerRoster(["a"], 0.0)
    roster.saw(["late"], 1.0)
    assert "late" not in roster
