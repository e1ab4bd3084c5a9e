"""Checks of where each event is: lost, misplaced, repeated, dead, late."""

from __future__ import annotations

from typing import Any

import pytest

from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.registry import CHECKS
from harness.scenario.model import Inject
from tests.core.histories import (
    SECOND_NS,
    Rows,
    closing,
    event,
    evidence,
    found,
    history,
    letter,
    malformed,
    scenario,
    sent,
    window,
)

PLAN = [event(0, 7), event(1, 1), malformed(2, 1), event(3, 7, kind="duplicate", original_seq=0), closing(4)]
SOURCE = found("events", 0, 1, 2, 0, 4)
VALID = found("events_valid", 0, 1, 4)
DEAD = [letter(2, source_offset=2)]
LATE = found("events_late", 1)


def healthy(**tables: Any) -> History:
    """Two valid events, one of them sent twice, one late, and a malformed one, all where they belong."""
    rows = {"plan": PLAN, "operations": [sent(0, 4)], "readback_events": [*SOURCE, *VALID, *DEAD, *LATE]}
    return history(**{**rows, **tables})


def finding_of(name: str, of: History) -> Finding:
    (finding,) = judge_history(of, run_id="r", checks={name: CHECKS[name]}).findings
    return finding


def count(name: str, observed: float, detail: str, *examples: str, events: int = 5) -> Finding:
    return Finding(
        name=name,
        verdict=Verdict.FAIL if observed else Verdict.PASS,
        observed=observed,
        limit="count == 0",
        unit="",
        phase="whole run",
        evidence=evidence(events),
        detail=detail,
        examples=examples,
    )


DETAILS = {
    "acknowledged_lost": "of 5 acknowledged events",
    "unaccounted": "of 4 events to account for",
    "duplicates": "",
    "altered": "of 9 records of events",
    "dead_letters": "of 1 malformed events",
    "late_events": "1 events came late, 0 of the 0 planned to; 1 set aside",
    "unacknowledged": "of 5 events to send: 0 refused, 0 unknown, 0 never sent",
}


@pytest.mark.parametrize("name", DETAILS)
def test_a_healthy_history_passes(name: str) -> None:
    assert finding_of(name, healthy()) == count(name, 0, DETAILS[name])


def test_an_acknowledged_event_that_the_source_lacks_is_lost() -> None:
    run = healthy(readback_events=found("events", 0, 2, 0, 4))
    example = "event 1 of the plan, acknowledged to worker-0 at 0.001 s"
    assert finding_of("acknowledged_lost", run) == count(
        "acknowledged_lost", 1, DETAILS["acknowledged_lost"], example
    )


def test_an_event_acknowledged_twice_must_be_there_twice() -> None:
    assert finding_of("acknowledged_lost", healthy(readback_events=found("events", 0, 1, 2, 4))).observed == 1


@pytest.mark.parametrize(("ranges", "lost"), [([(0, 4), (1, 2)], 2), ([(0, 1), (3, 4)], 0), ([(4, 4)], 0)])
def test_acknowledged_ranges_may_overlap_or_leave_gaps(ranges: list[tuple[int, int]], lost: int) -> None:
    run = healthy(operations=[sent(first, last) for first, last in ranges])
    assert finding_of("acknowledged_lost", run).observed == lost


@pytest.mark.parametrize("outcome", ["unknown", "fail"])
def test_an_event_that_was_not_acknowledged_is_not_lost(outcome: str) -> None:
    run = healthy(
        operations=[sent(0, 0), sent(1, 1, outcome), sent(2, 4)], readback_events=found("events", 0, 2, 0, 4)
    )
    assert finding_of("acknowledged_lost", run).verdict is Verdict.PASS


def test_an_operation_that_counts_other_events_than_its_range_is_not_judged() -> None:
    run = healthy(operations=[sent(0, 4, count=3)])
    assert finding_of("acknowledged_lost", run).verdict is Verdict.INCONCLUSIVE


def test_an_operation_that_counts_other_events_than_its_range_acknowledges_none() -> None:
    run = healthy(operations=[sent(0, 4, count=3)], readback_events=[*found("events", 0), *VALID])
    assert finding_of("unaccounted", run).verdict is Verdict.PASS


def test_a_run_in_which_nothing_was_acknowledged_is_not_judged() -> None:
    assert finding_of("acknowledged_lost", healthy(operations=[])).verdict is Verdict.INCONCLUSIVE


STRAYS = {
    "event 1 of the plan: valid, but not in events_valid": [*SOURCE, *found("events_valid", 0, 4), *DEAD],
    "event 2 of the plan: malformed, but not in events_dead_letter": [*SOURCE, *VALID],
    "event 2 of the plan: malformed, but in events_valid": [
        *SOURCE,
        *VALID,
        *DEAD,
        *found("events_valid", 2),
    ],
    "event 1 of the plan: valid, but in events_dead_letter": [*SOURCE, *VALID, *DEAD, letter(1, 1)],
    "record 0@3: not in the plan, but in events_valid": [
        *SOURCE,
        *VALID,
        *DEAD,
        *found("events_valid", 0, 1, 4, -1)[3:],
    ],
}


@pytest.mark.parametrize("stray", STRAYS)
def test_a_stray_is_unaccounted(stray: str) -> None:
    run = healthy(readback_events=STRAYS[stray])
    assert finding_of("unaccounted", run) == count("unaccounted", 1, DETAILS["unaccounted"], stray)


def test_an_acknowledged_event_that_is_nowhere_is_unaccounted() -> None:
    run = healthy(readback_events=[*found("events", 0, 2, 0, 4), *found("events_valid", 0, 4), letter(2, 1)])
    example = "event 1 of the plan: valid, but not in events_valid"
    assert finding_of("unaccounted", run) == count("unaccounted", 1, DETAILS["unaccounted"], example)


def test_an_event_that_nobody_acknowledged_and_that_is_nowhere_is_not_asked_for() -> None:
    run = healthy(
        operations=[sent(0, 0), sent(1, 1, "unknown"), sent(2, 4)],
        readback_events=[*found("events", 0, 2, 0, 4), *found("events_valid", 0, 4), letter(2, 1)],
    )
    assert finding_of("unaccounted", run).verdict is Verdict.PASS


def test_a_run_without_events_is_not_judged() -> None:
    assert (
        finding_of("unaccounted", healthy(operations=[], readback_events=[])).verdict is Verdict.INCONCLUSIVE
    )


REPEATED = {
    "events_valid: event 1 of the plan, 2 times": {"readback_events": [*VALID, *found("events_valid", 1)]},
    "events_late: event 1 of the plan, 2 times": {"readback_events": [*LATE, *LATE]},
    "events_dead_letter: the record at 0@2, 2 times": {"readback_events": [*DEAD, *DEAD]},
    "window_results: tumbling UA from 300000000000 to 300000300000, 2 times": {
        "readback_windows": [window("tumbling", "UA", 0, 5, 1.0)] * 2
    },
}


@pytest.mark.parametrize("repeated", REPEATED)
def test_what_comes_out_twice_is_a_duplicate(repeated: str) -> None:
    assert finding_of("duplicates", healthy(**REPEATED[repeated])) == count("duplicates", 1, "", repeated)


def test_two_dead_letters_for_two_records_are_no_duplicates() -> None:
    assert (
        finding_of("duplicates", healthy(readback_events=[letter(2, 2), letter(2, 3)])).verdict
        is Verdict.PASS
    )


WRONG_LETTERS = {
    "dead letter 0@2: its bytes match no planned event": letter(-1, 2),
    "dead letter 0@2: it has no reason": letter(2, 2, reason=""),
    "dead letter 0@1: its event is valid": letter(1, 1),
    "dead letter 0@3: its source position does not hold its event": letter(2, 3),
    "dead letter 0@2: its reason is not_json instead of missing:event_id": letter(2, 2, reason="not_json"),
    "dead letter 0@2: its key is not the event's": letter(2, 2, key_kept=False),
    "dead letter 0@2: its headers are reason": letter(2, 2, headers="reason"),
    "dead letter 0@2: its source is not a record of events": letter(2, 2, source_topic="events_valid"),
}


@pytest.mark.parametrize("wrong", WRONG_LETTERS)
def test_a_wrong_dead_letter_is_found(wrong: str) -> None:
    assert (
        wrong in finding_of("dead_letters", healthy(readback_events=[*SOURCE, WRONG_LETTERS[wrong]])).examples
    )


def test_a_missing_dead_letter_is_found() -> None:
    example = "malformed event 2 at 0@2: it has no dead letter"
    finding = finding_of("dead_letters", healthy(readback_events=SOURCE))
    assert finding == count("dead_letters", 1, DETAILS["dead_letters"], example)


def test_a_letter_whose_event_the_source_has_lost_keeps_its_word() -> None:
    run = healthy(plan=[*PLAN, malformed(5)], readback_events=[*SOURCE, *DEAD, letter(5, source_offset=9)])
    assert finding_of("dead_letters", run).verdict is Verdict.PASS


def test_an_acknowledged_malformed_event_that_the_source_has_lost_needs_a_letter() -> None:
    run = healthy(readback_events=found("events", 0, 1, 0, 4))
    assert finding_of("dead_letters", run).examples == (
        "malformed event 2, acknowledged: it has no dead letter",
    )


def test_dead_letters_are_not_judged_when_no_malformed_event_was_sent() -> None:
    run = healthy(operations=[sent(0, 1)], readback_events=found("events", 0, 1))
    assert finding_of("dead_letters", run).verdict is Verdict.INCONCLUSIVE


def test_an_event_that_its_partitions_clock_had_not_passed_is_not_late() -> None:
    run = healthy(readback_events=[*found("events", 1, 0, 2, 0, 4), *VALID, *LATE])
    finding = finding_of("late_events", run)
    assert finding.examples == ("event 1 of the plan: set aside, but not late",)


def test_a_late_event_that_was_not_set_aside_is_found() -> None:
    finding = finding_of("late_events", healthy(readback_events=[*SOURCE, *VALID, *DEAD]))
    assert finding.examples == ("event 1 of the plan: late, but not set aside",)


def test_setting_aside_nearly_everything_does_not_make_it_late() -> None:
    plan = [*(event(seq, seq) for seq in range(100)), closing(100)]
    readback = [*found("events", *range(101)), *found("events_late", *range(84))]
    run = healthy(plan=plan, operations=[sent(0, 100)], readback_events=readback)
    assert finding_of("late_events", run).observed == 84


@pytest.mark.parametrize(("newest_s", "verdict"), [(360.0, Verdict.PASS), (359.999, Verdict.FAIL)])
def test_an_event_is_late_when_its_partitions_clock_reaches_the_end_of_its_window(
    newest_s: float, verdict: Verdict
) -> None:
    run = healthy(plan=[event(0, newest_s / 60), *PLAN[1:]])
    assert finding_of("late_events", run).verdict is verdict


def test_a_malformed_event_is_not_late() -> None:
    run = healthy(readback_events=[*SOURCE, *found("events_late", 1, 2)])
    assert finding_of("late_events", run).examples == ("event 2 of the plan: not a valid event of the plan",)


def at_boundary(newest_s: float, older_s: float) -> History:
    """A load with events at the lateness boundary: window 0 to 5 min, and newer events before each."""
    plan = [
        *(event(0, older_s / 60), event(1, 1), event(2, newest_s / 60), event(3, 2)),
        closing(4),
    ]
    load = scenario().load.model_copy(update={"inject": Inject(boundary=0.1)})
    late = [seq for seq, newest in ((1, older_s), (3, newest_s)) if newest >= 360]
    source = found("events", 0, 1, 2, 3, 4)
    return healthy(plan=plan, readback_events=[*source, *found("events_late", *late)], of=scenario(load=load))


@pytest.mark.parametrize(
    ("newest_s", "older_s", "doubt"),
    [
        (400, 340, ""),
        (400, 360, "no event came just in time, within 60 s of event time"),
        (350, 340, "no event came just too late, within 60 s of event time"),
        (480, 200, "no event came just in time or just too late, within 60 s of event time"),
    ],
)
def test_a_boundary_that_no_event_came_near_was_not_tested(
    newest_s: float, older_s: float, doubt: str
) -> None:
    finding = finding_of("late_events", at_boundary(newest_s, older_s))
    verdict = Verdict.INCONCLUSIVE if doubt else Verdict.PASS
    assert (finding.verdict, doubt in finding.detail) == (verdict, True)


CONTESTED = [*PLAN, event(5, 7, kind="conflict", original_seq=0, event_id="e0", value=2.0)]


def contested(*outputs: dict[str, object]) -> History:
    """Sending 5 contradicts event 0, which came first."""
    source = [*found("events", 0, 1, 2, 0, 4), {**found("events", 0)[0], "offset": 5, "sent_as": 5}]
    return healthy(plan=CONTESTED, operations=[sent(0, 5)], readback_events=[*source, *outputs, *DEAD, *LATE])


def test_of_two_that_contradict_each_other_the_first_is_kept() -> None:
    run = contested(*VALID)
    for name in ("acknowledged_lost", "unaccounted", "late_events", "duplicates", "altered"):
        assert finding_of(name, run).verdict is Verdict.PASS, name


def test_a_copy_of_one_content_does_not_stand_for_another_that_was_acknowledged() -> None:
    source = [*found("events", 0, 1, 2, 0, 4), {**found("events", 0)[0], "offset": 5}]
    run = healthy(plan=CONTESTED, operations=[sent(0, 5)], readback_events=[*source, *VALID, *DEAD, *LATE])
    assert finding_of("acknowledged_lost", run).verdict is Verdict.FAIL
    assert finding_of("duplicates", run).verdict is Verdict.FAIL


def test_the_second_of_an_identity_belongs_nowhere() -> None:
    last = [{**row, "sent_as": 5} if row["seq"] == 0 else row for row in VALID]
    (example,) = finding_of("altered", contested(*last)).examples
    assert example.endswith("event 0 of the plan: its bytes are those of a later sending")


def test_an_event_that_only_an_idle_partition_explains_is_told_and_not_counted() -> None:
    operations = [sent(0, 0, partition=1), sent(1, 4, started_ns=SECOND_NS, completed_ns=15 * SECOND_NS)]
    source = [{**SOURCE[0], "partition": 1}, *SOURCE[1:3], *SOURCE[4:]]
    readback = [*source, *VALID, *DEAD, *LATE]
    finding = finding_of("late_events", healthy(operations=operations, readback_events=readback))
    assert finding == count(
        "late_events",
        0,
        "0 events came late, 0 of the 0 planned to; 1 set aside, 1 of them by a partition that may"
        " have been idle",
    )


def test_events_that_were_never_acknowledged_are_counted_by_kind() -> None:
    operations = [
        sent(0, 0),
        sent(1, 1, "fail", error="MSG_SIZE_TOO_LARGE"),
        sent(2, 3, "unknown", error="_MSG_TIMED_OUT"),
    ]
    assert finding_of("unacknowledged", healthy(operations=operations)) == count(
        "unacknowledged",
        3,
        "of 5 events to send: 1 refused, 2 unknown, 1 never sent",
        "2 unknown: _MSG_TIMED_OUT, from event 2 of the plan",
        "1 refused: MSG_SIZE_TOO_LARGE, from event 1 of the plan",
        "1 never sent, from event 4 of the plan",
        events=1,
    )


def test_what_the_load_itself_left_out_is_not_the_platforms_failure() -> None:
    finding = finding_of("unacknowledged", healthy(operations=[sent(0, 3)]))
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, None)
    assert finding.detail == "the load itself did not send 1 of 5 events: the platform was never given them"


def test_an_event_that_was_acknowledged_in_the_end_is_not_counted() -> None:
    run = healthy(operations=[sent(0, 2, "unknown"), sent(0, 4)])
    assert finding_of("unacknowledged", run).verdict is Verdict.PASS


def test_a_duplicate_that_was_refused_is_an_event_that_was_not_acknowledged() -> None:
    run = healthy(operations=[sent(0, 2), sent(3, 3, "fail"), sent(4, 4)])
    assert finding_of("unacknowledged", run).observed == 1


def test_operations_that_count_other_events_than_their_range_acknowledge_nothing_for_certain() -> None:
    run = healthy(operations=[sent(0, 4, count=3)])
    assert finding_of("unacknowledged", run).verdict is Verdict.INCONCLUSIVE


def late_as_planned(source: Rows, *late: int, **tables: Rows) -> Finding:
    plan = [PLAN[0], {**PLAN[1], "late": True}, *PLAN[2:]]
    readback = [*source, *VALID, *DEAD, *found("events_late", *late)]
    return finding_of("late_events", healthy(plan=plan, readback_events=readback, **tables))


def test_planned_late_events_of_which_none_was_late_prove_nothing() -> None:
    finding = late_as_planned(found("events", 1, 0, 2, 0, 4))
    assert (finding.verdict, finding.detail) == (
        Verdict.INCONCLUSIVE,
        "none of the 1 events planned to come late did",
    )


def test_planned_late_events_that_were_late_are_judged() -> None:
    assert late_as_planned(SOURCE, 1).verdict is Verdict.PASS


def test_what_was_set_aside_wrongly_is_found_though_none_was_late() -> None:
    assert late_as_planned(found("events", 1, 0, 2, 0, 4), 1).verdict is Verdict.FAIL


def test_planned_late_events_that_only_an_idle_partition_made_late_are_judged() -> None:
    operations = [sent(0, 0, partition=1), sent(1, 4, started_ns=SECOND_NS, completed_ns=15 * SECOND_NS)]
    source = [{**SOURCE[0], "partition": 1}, *SOURCE[1:3], *SOURCE[4:]]
    assert late_as_planned(source, 1, operations=operations).verdict is Verdict.PASS


def test_malformed_events_that_keep_the_contract_tell_nothing_of_dead_letters() -> None:
    whole = b'{"event_id":"a","event_type":"t","entity_id":"n","category":"c"}'
    run = healthy(plan=[*PLAN[:2], {**PLAN[2], "payload": whole}, *PLAN[3:]])
    assert finding_of("dead_letters", run).detail == "1 malformed events of the plan obey the contract"


def test_without_planned_events_acknowledgements_are_not_judged() -> None:
    assert finding_of("unacknowledged", healthy(plan=[])).verdict is Verdict.INCONCLUSIVE


NEEDED = [(name, table) for name in DETAILS for table in sorted(CHECKS[name].needs - {"run"})]


@pytest.mark.parametrize(("name", "table"), NEEDED)
def test_without_a_table_that_it_needs_a_check_is_inconclusive(name: str, table: str) -> None:
    finding = finding_of(name, healthy(without=table))
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, None)
    assert finding.detail == f"the history lacks {table}"
