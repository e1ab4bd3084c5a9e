"""Each harm that may befall a topic or the hot store turns the checks red that it concerns, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Verdict
from harness.judge.registry import CHECKS, checks_for
from harness.scenario.model import Scenario
from pipeline.base.options import LayerName, PipelineOptions
from tests.core.histories import (
    ORIGIN_MS,
    SECOND_NS,
    closing,
    event,
    found,
    history,
    letter,
    malformed,
    scenario,
    sent,
    window,
)

Rows = list[dict[str, Any]]

LOOKED_AT = frozenset(
    {
        "unacknowledged",
        "acknowledged_lost",
        "unaccounted",
        "duplicates",
        "altered",
        "dead_letters",
        "late_events",
        "windows_equal_oracle",
        "hot_events_equal_oracle",
        "hot_windows_equal_oracle",
    }
)
FIELDS = ("event_id", "event_type", "entity_id", "category", "value")
PLAN: Rows = [
    event(0, 7, value=2.25),
    event(1, 1, value=0.75, late=True),
    malformed(2, 1),
    event(3, 7, value=2.25, kind="duplicate", original_seq=0, event_id="e0"),
    event(4, 8, value=4.5, event_id="e0"),
    closing(5),
]
SOURCE: Rows = found("events", 0, 1, 2, 0, 4, 5)
VALID: Rows = found("events_valid", 0, 1, 4, 5)
LATE: Rows = found("events_late", 1)
DEAD: Rows = [letter(2, source_offset=2)]
WINDOWS: Rows = [
    window("tumbling", "UA", 5, 10, 2.25, 4.5),
    *(window("hopping", "UA", start, start + 15, 2.25, 4.5) for start in (-5, 0, 5)),
    window("session", "N1", 7, 38, 2.25, 4.5),
]


def hot_events(*seqs: int) -> Rows:
    rows = [(PLAN[seq], ORIGIN_MS + int(PLAN[seq]["event_offset_ms"])) for seq in seqs]
    return [{**{f: row[f] for f in FIELDS}, "event_time_ms": at_ms} for row, at_ms in rows]


def run(of: Scenario | None = None, *, readback: Sequence[Rows] = (), **tables: Rows) -> History:
    """A late event, a malformed one, one that was sent twice, and one that has its identity but for the time:
    all where they belong, but for the tables that are given.
    """
    right = {
        "plan": PLAN,
        "operations": [sent(0, 5)],
        "readback_events": [r for rows in readback or (SOURCE, VALID, LATE, DEAD) for r in rows],
        "readback_windows": WINDOWS,
        "readback_hot_windows": WINDOWS,
        "readback_hot_events": hot_events(0, 1, 4, 5),
    }
    return history(of=of, **{**right, **tables})


def reds(of: History) -> set[str]:
    """The checks that fail; those that cannot judge are named as such."""
    checks = {name: check for name, check in checks_for(of.scenario).items() if name in LOOKED_AT}
    findings = judge_history(of, run_id="r", checks=checks).findings
    wrong = [finding for finding in findings if finding.verdict is not Verdict.PASS]
    return {f.name if f.verdict is Verdict.FAIL else f"{f.name}: {f.detail}" for f in wrong}


def all_with(rows: Rows, **fields: object) -> Rows:
    return [{**row, **fields} for row in rows]


def first_with(rows: Rows, **fields: object) -> Rows:
    return [*all_with(rows[:1], **fields), *rows[1:]]


def at(offset: int, rows: Rows) -> Rows:
    return [{**row, "offset": offset + n} for n, row in enumerate(rows)]


TWICE = at(len(SOURCE), SOURCE)
STRANGER = at(50, found("events", -1))
INVENTED = window("tumbling", "UA", 5000, 5005, 7.5)
UNREADABLE = {"window_kind": "unreadable", "key": "b'{'"}
ROUNDED = {"value_sum": 6.8}

HARMS: dict[str, tuple[History, set[str]]] = {
    "nothing": (run(), set()),
    "the source holds every record twice": (
        run(readback=(SOURCE, TWICE, VALID, LATE, DEAD, [letter(2, source_offset=8)])),
        {"duplicates"},
    ),
    "a foreign record is in the source": (
        run(readback=(SOURCE, STRANGER, VALID, LATE, DEAD)),
        {"unaccounted"},
    ),
    "bytes differ in the source": (
        run(readback=(first_with(SOURCE, sent_as=-1), VALID, LATE, DEAD)),
        {"altered"},
    ),
    "bytes differ in events_valid": (
        run(readback=(SOURCE, first_with(VALID, sent_as=-1), LATE, DEAD)),
        {"altered"},
    ),
    "bytes differ in events_late": (
        run(readback=(SOURCE, VALID, all_with(LATE, sent_as=-1), DEAD)),
        {"altered"},
    ),
    "all keys of events_valid are others": (
        run(readback=(SOURCE, all_with(VALID, key_kept=False), LATE, DEAD)),
        {"altered"},
    ),
    "all keys of events_late are others": (
        run(readback=(SOURCE, VALID, all_with(LATE, key_kept=False), DEAD)),
        {"altered"},
    ),
    "every dead letter has the reason not_json": (
        run(readback=(SOURCE, VALID, LATE, all_with(DEAD, reason="not_json"))),
        {"dead_letters"},
    ),
    "dead letters have other keys": (
        run(readback=(SOURCE, VALID, LATE, all_with(DEAD, key_kept=False))),
        {"dead_letters"},
    ),
    "dead letters have a header more": (
        run(readback=(SOURCE, VALID, LATE, all_with(DEAD, headers=f"another,{DEAD[0]['headers']}"))),
        {"dead_letters"},
    ),
    "dead letters name another topic": (
        run(readback=(SOURCE, VALID, LATE, all_with(DEAD, source_topic="events_valid"))),
        {"dead_letters"},
    ),
    "events are deduplicated by their event_id alone": (
        run(
            readback=(SOURCE, found("events_valid", 0, 1, 5), LATE, DEAD),
            readback_hot_events=hot_events(0, 1, 5),
        ),
        {"unaccounted", "hot_events_equal_oracle"},
    ),
    "a window is invented that ends after the horizon": (
        run(readback_windows=[*WINDOWS, INVENTED]),
        {"windows_equal_oracle"},
    ),
    "a window is invented in the hot store that ends after the horizon": (
        run(readback_hot_windows=[*WINDOWS, INVENTED]),
        {"hot_windows_equal_oracle"},
    ),
    "a record of window_results cannot be read": (
        run(readback_windows=[*WINDOWS, UNREADABLE, UNREADABLE]),
        {"windows_equal_oracle"},
    ),
    "sums are rounded to a tenth": (
        run(readback_windows=all_with(WINDOWS, **ROUNDED), readback_hot_windows=all_with(WINDOWS, **ROUNDED)),
        {"windows_equal_oracle", "hot_windows_equal_oracle"},
    ),
    "values in the hot store are rounded to a tenth": (
        run(readback_hot_events=first_with(hot_events(0, 1, 4, 5), value=2.2)),
        {"hot_events_equal_oracle"},
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_harm_turns_the_checks_red_that_it_concerns(harm: str) -> None:
    of, expected = HARMS[harm]
    assert reds(of) == expected


@pytest.mark.parametrize("outcome", ["ok", "unknown", "fail"])
def test_no_more_copies_may_be_there_than_were_sent_and_not_refused(outcome: str) -> None:
    """Event 0 is sent twice; its second sending is ``outcome``, and both are there."""
    operations = [sent(0, 2), sent(3, 3, outcome), sent(4, 5)]
    red = reds(run(operations=operations)) - {"unacknowledged"}
    assert red == ({"duplicates"} if outcome == "fail" else set())


def test_what_was_refused_and_is_there_all_the_same_is_unaccounted() -> None:
    operations = [sent(0, 0), sent(1, 1, "fail"), sent(2, 5)]
    assert reds(run(operations=operations)) == {"unacknowledged", "unaccounted"}


def test_what_a_load_that_was_killed_may_have_sent_is_no_copy_too_many() -> None:
    (doubt,) = reds(run(operations=[sent(0, 2), sent(4, 5)]))
    assert doubt.startswith("unacknowledged: the load itself did not send 1 of")


@pytest.mark.parametrize(("response_s", "expected"), [(0.079, {"duplicates"}), (0.3, set())])
def test_a_producer_that_is_not_idempotent_may_repeat_what_it_had_time_to_send_again(
    response_s: float, expected: set[str]
) -> None:
    loose = scenario(load=scenario().load.model_copy(update={"acks": "1"}))
    took = sent(0, 5, completed_ns=round(response_s * SECOND_NS))
    repeated = at(10, found("events", 4))
    assert reds(run(loose, operations=[took], readback=(SOURCE, repeated, VALID, LATE, DEAD))) == expected


def test_a_producer_that_is_idempotent_may_not_repeat_however_long_it_took() -> None:
    took = sent(0, 5, completed_ns=30 * SECOND_NS)
    repeated = at(10, found("events", 4))
    assert reds(run(operations=[took], readback=(SOURCE, repeated, VALID, LATE, DEAD))) == {"duplicates"}


SOURCE_HARMS: dict[str, tuple[Rows, set[str]]] = {
    "nothing": ([], set()),
    "every record is there twice": (TWICE, {"duplicates"}),
    "foreign records are there": (at(50, found("events", *[-1] * 50)), {"unaccounted"}),
    "bytes differ": (at(50, all_with(found("events", 4), sent_as=-1)), {"altered", "duplicates"}),
}


@pytest.mark.parametrize("deploy", [(), ("lake",)])
@pytest.mark.parametrize("harm", SOURCE_HARMS)
def test_the_source_topic_is_judged_whatever_lies_behind_it(deploy: tuple[LayerName, ...], harm: str) -> None:
    more, expected = SOURCE_HARMS[harm]
    of = scenario(pipeline=PipelineOptions(deploy=deploy))
    found_there = {"plan": PLAN, "operations": [sent(0, 5)], "readback_events": [*SOURCE, *more]}
    assert reds(history(of=of, without="readback_windows", **found_there)) == expected


def test_every_check_that_is_looked_at_is_one() -> None:
    assert set(CHECKS) >= LOOKED_AT


OUTCOMES = st.sampled_from(["ok", "unknown", "fail", None])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(OUTCOMES, min_size=1, max_size=3), st.integers(0, 4)), min_size=1, max_size=4)
)
def test_copies_in_the_source_are_held_against_sendings(events: list[tuple[list[str | None], int]]) -> None:
    """Events by what became of their sendings, None being one of which nothing is recorded, and by how many
    copies of each are there.
    """
    plan: Rows = []
    for number, (outcomes, _) in enumerate(events):
        first = len(plan)
        for n in range(len(outcomes)):
            kind = "duplicate" if n else "valid"
            plan.append(event(len(plan), number, event_id=f"e{number}", kind=kind, original_seq=first))
    originals = sorted({row["original_seq"] for row in plan})
    outcomes = [outcome for of, _ in events for outcome in of]
    copies = {seq: count for seq, (_, count) in zip(originals, events, strict=True)}
    allowed = {seq: sum(o != "fail" for o in of) for seq, (of, _) in zip(originals, events, strict=True)}
    of = history(
        of=scenario(pipeline=PipelineOptions(deploy=())),
        plan=plan,
        operations=[sent(seq, seq, outcome) for seq, outcome in enumerate(outcomes) if outcome],
        readback_events=found("events", *[seq for seq, count in copies.items() for _ in range(count)]),
    )
    surplus = any(count > max(allowed[seq], 1) for seq, count in copies.items())
    refused = any(count and not allowed[seq] for seq, count in copies.items())
    looked_at = reds(of) & {"duplicates", "unaccounted"}
    assert looked_at == {name for name, red in (("duplicates", surplus), ("unaccounted", refused)) if red}


SAYS_OTHERWISE: Rows = [*PLAN[:3], {**PLAN[3], "kind": "conflict", "value": 99.5}, *PLAN[4:]]


def as_sent(rows: Rows, *sent_as: int) -> Rows:
    return [{**row, "sent_as": number} for row, number in zip(rows, sent_as, strict=True)]


def test_a_duplicate_that_says_something_else_is_dropped_whatever_it_says() -> None:
    source = as_sent(SOURCE, 0, 1, 2, 3, 4, 5)
    assert reds(run(plan=SAYS_OTHERWISE, readback=(source, VALID, LATE, DEAD))) == set()


def test_where_the_duplicate_lies_first_it_is_what_counts() -> None:
    source, valid = as_sent(SOURCE, 3, 1, 2, 0, 4, 5), as_sent(VALID, 3, 1, 4, 5)
    kept = [{**row, "value_sum": 104.0, "value_min": 4.5, "value_max": 99.5} for row in WINDOWS]
    hot = first_with(hot_events(0, 1, 4, 5), value=99.5)
    tables = {"readback_windows": kept, "readback_hot_windows": kept, "readback_hot_events": hot}
    right = run(plan=SAYS_OTHERWISE, readback=(source, valid, LATE, DEAD), **tables)
    other = run(plan=SAYS_OTHERWISE, readback=(source, VALID, LATE, DEAD), **tables)
    assert (reds(right), reds(other)) == (set(), {"altered"})


def test_a_later_copy_in_place_of_the_first_is_altered() -> None:
    source, valid = as_sent(SOURCE, 0, 1, 2, 3, 4, 5), as_sent(VALID, 3, 1, 4, 5)
    assert reds(run(plan=SAYS_OTHERWISE, readback=(source, valid, LATE, DEAD))) == {"altered"}
