"""Which records the next commit of landing holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import RecordsGone
from pipeline.days.landing.landing_offsets import Available, LandingCommit, OffsetRange, next_commit

LAST = LandingCommit(number=3, topic="t", ranges=(OffsetRange(partition=0, start=4, end=9),))


def ranges(commit: LandingCommit | None) -> list[tuple[int, int, int]]:
    assert commit is not None
    return [(r.partition, r.start, r.end) for r in commit.ranges]


def test_the_first_commit_begins_where_the_topic_does() -> None:
    commit = next_commit(None, "t", {0: Available(earliest=7, latest=9)}, offsets="from_commit")
    assert ranges(commit) == [(0, 7, 9)]
    assert commit is not None
    assert commit.number == 1


def test_the_next_commit_begins_where_the_last_one_ended() -> None:
    there = {0: Available(earliest=2, latest=11), 1: Available(earliest=0, latest=1)}
    assert ranges(next_commit(LAST, "t", there, offsets="from_commit")) == [(0, 9, 11), (1, 0, 1)]


def test_nothing_new_is_no_commit() -> None:
    assert next_commit(LAST, "t", {0: Available(earliest=0, latest=9)}, offsets="from_commit") is None


def test_a_moment_before_the_last_commit_is_no_way_back() -> None:
    assert (
        next_commit(LAST, "t", {0: Available(earliest=0, latest=12, until=5)}, offsets="from_commit") is None
    )


def test_offsets_that_are_ignored_begin_at_the_start() -> None:
    commit = next_commit(LAST, "t", {0: Available(earliest=2, latest=9)}, offsets="ignored")
    assert ranges(commit) == [(0, 2, 9)]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({0: Available(earliest=10, latest=12)}, "t-0: wanted from offset 9, the earliest is 10"),
        ({0: Available(earliest=0, latest=3)}, "t-0: wanted from offset 9, the partition ends at 3"),
        ({1: Available(earliest=0, latest=3)}, "t-0: wanted from offset 9, and there is no such partition"),
        (
            {0: Available(earliest=0, latest=9), 1: Available(earliest=2, latest=3)},
            "t-1: wanted from offset 0, the earliest is 2",
        ),
    ],
)
def test_a_gap_is_refused(there: dict[int, Available], said: str) -> None:
    with pytest.raises(RecordsGone, match=said):
        next_commit(LAST, "t", there, offsets="from_commit")


growth = st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(0, 200)), max_size=8)


@given(growth=growth)
def test_however_often_one_lands_every_offset_lands_once(growth: list[tuple[int, int | None]]) -> None:
    last, latest, seen = None, 0, list[int]()
    for grown, until in [*growth, (0, None)]:
        latest += grown
        there = {0: Available(earliest=0, latest=latest, until=until)}
        commit = next_commit(last, "t", there, offsets="from_commit")
        seen += [] if commit is None else range(commit.ranges[0].start, commit.ranges[0].end)
        last = commit or last
    assert seen == list(range(latest))


def test_a_commit_is_read_as_it_was_written() -> None:
    assert LandingCommit.loads(LAST.dumps()) == LAST


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", '{"other": 1}'])
def test_what_other_commits_bear_is_none_of_landing(text: str | None) -> None:
    assert LandingCommit.loads(text) is None
