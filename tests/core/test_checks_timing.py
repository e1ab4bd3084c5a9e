"""Checks of how long things took, and in which phase."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.checks.speed.rate_accuracy import RateAccuracyOfRecordBatches
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.measure.measurement import Distribution, Unjudged
from harness.judge.registry import CHECKS, checks_for
from harness.scenario.model import Expectation, Load, Scenario
from harness.scenario.profiles.ramp import Ramp
from harness.scenario.profiles.registry import AnyProfile
from harness.scenario.profiles.trace import TraceProfile
from pipeline.base.options import PipelineOptions
from tests.core.histories import (
    ORIGIN_MS,
    SECOND_NS,
    closing,
    event,
    evidence,
    fault,
    history,
    phase,
    run_info,
    sample,
    scenario,
    sent,
    window,
)

MS = 10**6


def judged(name: str, *thresholds: str, **tables: Any) -> list[Finding]:
    of = scenario(Expectation(check=name, thresholds=thresholds)) if thresholds else None
    run = history(of=of, **tables)
    return list(judge_history(run, run_id="r", checks={name: CHECKS[name]}).findings)


def measured(name: str, **tables: Any) -> Distribution:
    run = history(**tables)
    measurement = checks_for(run.scenario).get(name, CHECKS[name]).measure(run)
    assert isinstance(measurement, Distribution), measurement
    return measurement


def listed(distribution: Distribution) -> list[tuple[float, str, int]]:
    columns = (distribution.values.tolist(), distribution.phases.tolist(), distribution.weights.tolist())
    return sorted(zip(*columns, strict=True))


def took(ms: int, count: int = 1, at_s: int = 0, **fields: object) -> dict[str, object]:
    """A batch that was due at ``at_s``, begun 1 ms later, and answered ``ms`` after it was due."""
    due = at_s * SECOND_NS
    times = {"intended_ns": due, "started_ns": due + MS, "completed_ns": due + ms * MS}
    return {**sent(0, count - 1, **times), **fields}  # type: ignore[arg-type]


def test_a_latency_finding_says_everything() -> None:
    assert judged("produce_latency", "p(50) <= 5ms during steady", operations=[took(5, 99), took(7)]) == [
        Finding(
            name="produce_latency",
            verdict=Verdict.PASS,
            observed=5.0,
            limit="p(50) <= 5ms during steady",
            unit="ms",
            phase="steady",
            evidence=evidence(100),
        )
    ]


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ("p(99) < 6ms", Verdict.PASS),
        ("p(99.1) < 6ms", Verdict.INCONCLUSIVE),
        ("max <= 7ms", Verdict.PASS),
        ("max < 7ms", Verdict.FAIL),
        ("mean <= 5.02ms", Verdict.PASS),
        ("min >= 5ms", Verdict.PASS),
        ("max < 7ms during fault", Verdict.INCONCLUSIVE),
        ("p(99) < 1.1 * baseline", Verdict.INCONCLUSIVE),  # of a run that was recorded when it was taken
    ],
)
def test_a_limit_is_held_against_its_aggregate(limit: str, verdict: Verdict) -> None:
    (finding,) = judged("produce_latency", limit, operations=[took(5, 99), took(7)])
    assert finding.verdict is verdict


def test_a_count_has_no_unit_and_is_of_the_whole_run() -> None:
    (finding,) = judged("produce_latency", "count >= 100", operations=[took(5, 99), took(7)])
    assert (finding.verdict, finding.observed, finding.unit) == (Verdict.PASS, 100.0, "")


def test_seconds_are_not_counted_as_if_they_were_events() -> None:
    (finding,) = judged("throughput", "count >= 1", operations=[took(5, 99)])
    assert finding.detail.startswith("not a limit: an aggregate of this check: max, mean")


def test_what_never_came_keeps_no_limit() -> None:
    (finding,) = judged("produce_latency", "max != 5ms", operations=[took(5, outcome="unknown")])
    assert (finding.verdict, finding.detail[:13]) == (Verdict.FAIL, "it never came")


def test_a_value_belongs_to_the_phase_in_which_it_began() -> None:
    operations = [took(5), took(70_000, at_s=59), took(6, at_s=60)]
    assert listed(measured("produce_latency", operations=operations)) == [
        (5.0, "steady", 1),
        (6.0, "drain", 1),
        (70_000.0, "steady", 1),
    ]


def test_what_began_before_the_first_phase_was_noted_belongs_to_it() -> None:
    of = {"phases": (phase(0.2, "warm_up"), phase(1, "steady")), "operations": [took(5)]}
    assert listed(measured("produce_latency", **of)) == [(5.0, "warm_up", 1)]


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_what_was_not_acknowledged_is_slower_than_any_limit(outcome: str) -> None:
    operations = [took(5, 98), took(1, 2, outcome=outcome)]
    failing, passing = judged("produce_latency", "p(99) < 60m", "p(98) < 6ms", operations=operations)
    assert (failing.verdict, failing.observed) == (Verdict.FAIL, math.inf)
    assert (
        failing.detail
        == "it never came; 2 events were not acknowledged; each counts as slower than any limit"
    )
    assert passing.verdict is Verdict.PASS


def test_reads_and_sends_are_measured_apart() -> None:
    operations = [took(5), took(9, kind="hot_read")]
    assert listed(measured("hot_read_latency", operations=operations)) == [(9.0, "steady", 1)]


def read(ms: int, bytes: int, **fields: object) -> dict[str, object]:
    return took(ms, kind="hot_range_read", bytes=bytes, **fields)


def test_readers_are_measured_apart_and_what_they_did_not_find_is_told() -> None:
    found = measured("hot_range_read_latency", operations=[took(5), read(9, 100), read(7, 0)])
    assert listed(found) == [(7.0, "steady", 1), (9.0, "steady", 1)]
    assert found.detail == "1 found nothing yet"


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_a_readers_read_that_failed_is_slower_than_any_limit(outcome: str) -> None:
    found = measured("hot_range_read_latency", operations=[read(5, 0, outcome=outcome)])
    assert listed(found) == [(math.inf, "steady", 1)]
    assert found.detail == "1 failed; each counts as slower than any limit"


def test_the_schedule_is_judged_by_when_sending_began() -> None:
    assert listed(measured("load_on_schedule", operations=[took(5, 3)])) == [(1.0, "steady", 3)]


@pytest.mark.parametrize("name", ["produce_latency", "load_on_schedule"])
def test_what_was_sent_as_fast_as_it_was_taken_has_no_latency_from_an_intended_moment(name: str) -> None:
    load = Load(trace=Path("t.yaml"), event_span=60.0, duration=60.0, path="record_batches")
    flood = history(of=scenario(load=load), operations=[took(5, 3)])
    assert CHECKS[name].measure(flood) == Unjudged(
        reason="a load that sends as fast as the platform takes it has no intended send times:"
        " its latency would be that of a closed loop"
    )


def test_throughput_counts_seconds_in_which_nothing_came() -> None:
    operations = [took(1, 10), took(1, 20, at_s=2), took(1, 5, at_s=3)]
    values = measured("throughput", operations=operations).values.tolist()
    assert values == [10.0, 0.0, 20.0, 5.0, *[0.0] * 56]


def test_throughput_counts_on_where_answers_came_after_the_load() -> None:
    values = measured("throughput", operations=[took(1, 10, at_s=61), took(1, 20, at_s=63)]).values.tolist()
    assert values == [*[0.0] * 61, 10.0, 0.0]


def test_a_load_that_stopped_early_has_the_rate_of_its_whole_duration() -> None:
    operations = [took(1, 100, at_s=second) for second in range(3)]
    (finding,) = judged("throughput", "rate >= 50/s", operations=operations)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 5.0)


def test_a_run_that_was_cut_off_has_the_rate_of_what_it_recorded() -> None:
    operations = [took(1, 100, at_s=second) for second in range(4)]
    cut_off = run_info("interrupted")
    assert measured("throughput", operations=operations, info=cut_off).values.tolist() == [100.0] * 3


def test_a_platform_that_acknowledged_nothing_has_a_throughput_of_nothing() -> None:
    operations = [took(1, 100, outcome="fail")]
    assert measured("throughput", operations=operations).values.tolist() == [0.0] * 60


def test_a_second_of_throughput_is_a_second_long_however_much_came_in_it() -> None:
    operations = [took(1, 5000), took(1, 5000, at_s=1), took(1, 1, at_s=2)]
    faults = [fault(3, "inject"), fault(4, "heal")]
    assert measured("throughput", operations=operations, faults=faults).phases.tolist() == ["steady"] * 60


def a_second_each(*events: int) -> dict[str, Any]:
    """A plan with ten events due in each second, of which so many were sent in it."""
    plan = [event(n, n / 10 + 0.01) for n in range(10 * len(events))]
    operations = [took(5, count, at_s=second) for second, count in enumerate(events) if count]
    return {"plan": plan, "operations": operations}


def test_a_load_that_sends_what_is_due_deviates_by_nothing() -> None:
    assert measured("rate_accuracy", **a_second_each(*[10] * 14)).values.tolist() == [0, 0, 0, 0]


def test_too_much_is_as_wrong_as_too_little_in_any_ten_seconds() -> None:
    deviations = measured("rate_accuracy", **a_second_each(9, *[10] * 9, 12, *[10] * 3)).values
    assert deviations.tolist() == pytest.approx([1, 2, 2, 2])


def test_what_was_never_sent_is_missing_from_the_rate() -> None:
    (finding,) = judged("rate_accuracy", "max < 1%", **a_second_each(*[0] * 12))
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, 100)


def test_ten_seconds_into_which_a_fault_fell_are_the_faults() -> None:
    faults = [fault(10.5, "inject"), fault(12, "heal")]
    windows = measured("rate_accuracy", **a_second_each(*[10] * 13), faults=faults)
    assert windows.phases.tolist() == ["steady", "fault", "fault"]


def test_the_rate_of_a_load_of_less_than_ten_seconds_is_not_judged() -> None:
    assert isinstance(CHECKS["rate_accuracy"].measure(history(**a_second_each(*[10] * 9))), Unjudged)


def in_batches(profile: AnyProfile, path: Literal["record_batches", "computed"]) -> Scenario:
    load = Load(trace=Path("t"), path=path, profile=profile, event_span=12.0, duration=12.0)
    return scenario(load=load, pipeline=PipelineOptions(deploy=()))


@pytest.mark.parametrize("path", ["record_batches", "computed"])
def test_what_is_due_in_batches_is_what_the_profile_says_and_not_a_plan(
    path: Literal["record_batches", "computed"],
) -> None:
    of = in_batches(Ramp(start=0.0, end=24.0), path)
    assert "plan" not in checks_for(of)["rate_accuracy"].needs
    operations = [took(5, 2 * second + 1, at_s=second) for second in range(12)]
    assert measured("rate_accuracy", of=of, operations=operations).values.tolist() == [0, 0, 0]
    late = [*operations[:-1], took(5, 23, at_s=13)]
    assert measured("rate_accuracy", of=of, operations=late).values.tolist() == pytest.approx(
        [0, 0, 2300 / 140]
    )


def test_of_record_batches_as_fast_as_they_are_taken_nothing_was_due() -> None:
    run = history(
        of=in_batches(TraceProfile(), "record_batches"),
        operations=[took(5, 10, at_s=second) for second in range(12)],
    )
    assert isinstance(RateAccuracyOfRecordBatches().measure(run), Unjudged)
    assert "rate_accuracy" not in checks_for(run.scenario)


def seen(at_s: float, **fields: object) -> dict[str, object]:
    row = {"at_ns": round(at_s * SECOND_NS), "store": "hot_events", "key": "N1", "event_id": "e0"}
    return {**row, "event_time_ms": ORIGIN_MS + 60_000, "window_kind": "", "window_start_ms": 0, **fields}


def looks(until_s: int = 70, but: range = range(0)) -> list[dict[str, object]]:
    """The prober's reads, one a second, each answered at once."""
    return [took(0, at_s=at_s, kind="hot_read") for at_s in range(until_s) if at_s not in but]


DRAINED = (phase(0, "steady"), phase(60, "drain"), phase(70, "done"))
LOOKED: dict[str, Any] = {"operations": looks()}
WINDOW: dict[str, Any] = {"store": "hot_windows", "key": "UA", "event_id": "", "window_kind": "tumbling"}


def sought(*seqs: int) -> list[dict[str, object]]:
    """Events of the plan, each due in the minute of its number, and one kind and key of windows."""
    events = [{"event_id": f"e{seq}", "event_time_ms": ORIGIN_MS + seq * 60_000, "key": "N1"} for seq in seqs]
    return [*({"store": "hot_events", "window_kind": "", **row} for row in events), WINDOW]


def test_an_event_that_was_acknowledged_and_never_seen_is_infinitely_old() -> None:
    operations = [took(5, first_seq=1, last_seq=2), *looks()]
    plan = [event(seq, seq) for seq in range(4)]
    rows = [seen(2, event_id="e1")]
    run = {"phases": DRAINED, "plan": plan, "seen": rows, "operations": operations, "sought": sought(1, 2, 3)}
    found = measured("freshness_hot", **run)
    assert listed(found) == [(1000.0, "steady", 1), (math.inf, "steady", 1)]
    assert found.detail == "1 of 2 never came"


def test_of_a_run_that_did_not_end_what_never_came_is_as_old_as_the_last_look() -> None:
    operations = [took(5, first_seq=1, last_seq=2), *looks(until_s=42)]
    plan = [event(seq, seq) for seq in range(4)]
    run = {"plan": plan, "operations": operations, "sought": sought(1, 2, 3), "info": run_info("no")}
    run["phases"] = DRAINED[:1]
    assert listed(measured("freshness_hot", **run)) == [(39000.0, "steady", 1), (40000.0, "steady", 1)]


@pytest.mark.parametrize(
    ("reads", "reason"),
    [
        ([], "the hot store was never probed"),
        (looks(until_s=16), "the hot store was not probed for 45.0 s from 15.0 s"),
        (looks(but=range(20, 30)), "the hot store was not probed for 11.0 s from 19.0 s"),
        (looks(but=range(11)), "the hot store was not probed for 11.0 s from 0.0 s"),
    ],
)
@pytest.mark.parametrize("name", ["freshness_hot", "freshness_windows"])
def test_freshness_is_not_judged_over_what_a_prober_saw_that_was_not_there(
    name: str, reads: list[dict[str, object]], reason: str
) -> None:
    plan = [event(0, 1), event(1, 6), closing(4)]
    rows = [seen(2), seen(9, **WINDOW, event_time_ms=ORIGIN_MS + 300_000)]
    run = history(phases=DRAINED, plan=plan, seen=rows, sought=sought(0), operations=reads)
    assert CHECKS[name].measure(run) == Unjudged(reason=reason)


def test_what_was_not_there_when_the_prober_died_in_the_drain_is_not_judged() -> None:
    run = {"phases": DRAINED, "plan": [event(1, 1), event(2, 2)], "sought": sought(1, 2)}
    operations = [took(5, first_seq=1, last_seq=2), *looks(until_s=61)]
    late = {**run, "phases": (*DRAINED[:2], phase(75, "done")), "operations": operations}
    measurement = CHECKS["freshness_hot"].measure(history(**late, seen=[seen(2, event_id="e1")]))
    why = "the hot store was not probed for 15.0 s from 60.0 s"
    assert measurement == Unjudged(reason=f"1 of 2 had not appeared when the prober stopped: {why}")


def test_a_window_that_came_out_and_was_never_seen_is_infinitely_old() -> None:
    plan = [event(0, 1), event(1, 20), event(2, 25), closing(3)]
    emitted = [window("tumbling", "UA", 10, 15, 1.0), window("tumbling", "UA", 15, 20, 1.0)]
    strange = window("tumbling", "DL", 10, 15, 1.0)
    rows = [seen(22, **WINDOW, event_time_ms=ORIGIN_MS + 900_000, window_start_ms=ORIGIN_MS + 600_000)]
    run = {"phases": DRAINED, "plan": plan, "seen": rows, "sought": sought(), "operations": looks()}
    found = measured("freshness_windows", **run, readback_windows=[*emitted, strange])
    assert listed(found) == [(2000.0, "steady", 1), (math.inf, "steady", 1)]


def test_windows_are_not_judged_when_what_was_given_out_cannot_be_read() -> None:
    run = {"phases": DRAINED, "plan": [event(0, 1)], "sought": sought(), "operations": looks()}
    measurement = CHECKS["freshness_windows"].measure(history(**run, without="readback_windows"))
    assert measurement == Unjudged(reason="the record of emitted windows cannot be read")


def test_a_window_that_may_have_been_there_at_the_first_look_is_not_missed() -> None:
    emitted = [window("tumbling", "UA", 0, 5, 1.0), window("tumbling", "UA", 10, 15, 1.0)]
    rows = [seen(22, **WINDOW, event_time_ms=ORIGIN_MS + 900_000, window_start_ms=ORIGIN_MS + 600_000)]
    run = {"phases": DRAINED, "plan": [event(0, 6), event(1, 20)], "sought": sought(), "operations": looks()}
    found = measured("freshness_windows", **run, seen=rows, readback_windows=emitted)
    assert listed(found) == [(2000.0, "steady", 1)]


def test_freshness_counts_from_the_first_intended_send_to_the_first_sight() -> None:
    # The event clock runs 60 times faster: minute 1 is due at second 1.
    plan = [event(0, 1), event(1, 3, kind="duplicate", event_offset_ms=60_000, event_id="e0")]
    assert listed(measured("freshness_hot", plan=plan, seen=[seen(4), seen(2)], **LOOKED)) == [
        (1000.0, "steady", 1)
    ]


def test_a_window_could_be_complete_when_an_event_past_its_end_was_due() -> None:
    # The event of minute 6 comes late, at minute 8; that of minute 7 is the first past the end.
    plan = [event(0, 1), event(1, 4.9), event(2, 7), event(3, 8, event_offset_ms=360_000), closing(4)]
    window = {"store": "hot_windows", "event_id": "", "window_kind": "tumbling"}
    rows = [seen(9, **window, event_time_ms=ORIGIN_MS + 300_000, window_start_ms=ORIGIN_MS)]
    assert listed(measured("freshness_windows", plan=plan, seen=rows, **LOOKED)) == [(2000.0, "steady", 1)]


@pytest.mark.parametrize("name", ["freshness_hot", "freshness_windows"])
def test_a_run_that_does_not_tell_what_was_sought_is_not_judged(name: str) -> None:
    (finding,) = judged(name, "max < 1ms", without="sought")
    assert (finding.verdict, finding.detail) == (Verdict.INCONCLUSIVE, "the history lacks sought")


TABLES = {
    "produce_latency": "operations",
    "hot_read_latency": "operations",
    "hot_point_read_latency": "operations",
    "hot_range_read_latency": "operations",
    "load_on_schedule": "operations",
    "throughput": "operations",
    "rate_accuracy": "operations",
    "freshness_hot": "seen",
    "freshness_windows": "seen",
    "drained": "samples",
    "steady_state": "samples",
    "recovery_time": "samples",
    "catch_up_time": "samples",
}
LIMITS = {
    "ms": ("max < 1ms",),
    "s": ("max < 1s",),
    "1/s": ("max < 1/s",),
    "%": ("max < 1%",),
    "": (),
}


@pytest.mark.parametrize("name", TABLES)
def test_without_its_table_a_check_is_inconclusive(name: str) -> None:
    table = TABLES[name]
    limit = LIMITS[CHECKS[name].unit]
    (finding,) = judged(name, *limit, without=table)
    assert (finding.verdict, finding.detail) == (Verdict.INCONCLUSIVE, f"the history lacks {table}")


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_is_never_a_pass(name: str) -> None:
    limit = LIMITS[CHECKS[name].unit]
    (finding,) = judged(name, *limit, hot_writes=[])
    assert finding.verdict is Verdict.INCONCLUSIVE


def left(at_s: float = 61, **topics: float) -> list[dict[str, object]]:
    return [sample("undrained_events", at_s, events, label=topic) for topic, events in topics.items()]


def waited(complete: bool, last_seen: str = "") -> dict[str, object]:
    return sample("drain_complete", 61, float(complete), label=last_seen)


def test_a_drained_platform_passes() -> None:
    (finding,) = judged("drained", samples=[*left(events=0, events_valid=0), waited(True)])
    assert (finding.verdict, finding.observed) == (Verdict.PASS, 0)


@pytest.mark.parametrize("topics", [{}, {"events": 0}])
def test_a_wait_that_ran_out_fails_though_nothing_was_left_that_lags(topics: dict[str, float]) -> None:
    samples = [
        *left(**topics),
        waited(False, "open transactions on windows-0"),
        sample("hot_lag_events", 9, 0),
    ]
    (finding,) = judged("drained", samples=samples)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)
    assert finding.detail.startswith("the pipeline did not drain in time: open transactions on windows-0")


def test_a_wait_of_which_it_is_not_told_how_it_ended_is_not_judged() -> None:
    (finding,) = judged("drained", samples=left(events=0))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "no record of whether the pipeline drained in time"


def test_what_was_left_unconsumed_is_counted() -> None:
    (finding,) = judged("drained", samples=left(events=2, events_valid=3))
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 5)
    assert finding.detail == "events 2; events_valid 3"


def test_a_topic_of_which_it_is_not_told_what_was_left_is_not_judged() -> None:
    lag = sample("hot_lag_events", 61, 0, "events_valid")
    (finding,) = judged("drained", samples=[*left(events=0), waited(True), lag])
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "no record of what was left of events_valid"


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), min_size=1),
    st.floats(0, 100),
)
def test_a_percentile_is_the_smallest_value_that_covers_its_share(
    values: list[tuple[int, int]], percent: float
) -> None:
    numbers, weights = (np.array(column) for column in zip(*values, strict=True))
    distribution = Distribution(
        values=numbers.astype(float), weights=weights, phases=np.array(["steady"] * len(values))
    )
    expanded = sorted(value for value, weight in values for _ in range(weight))
    rank = max(1, math.ceil(len(expanded) * percent / 100))
    assert distribution.percentile(percent) == expanded[rank - 1]


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.integers(1, 9)), min_size=2, max_size=40),
    st.randoms(use_true_random=False),
)
def test_the_mean_is_the_same_in_whatever_order_a_query_gave_the_values(
    pairs: list[tuple[float, int]], chance: random.Random
) -> None:
    other = [*pairs]
    chance.shuffle(other)
    assert weighted(pairs).mean == weighted(other).mean
    total = sum(weight for _, weight in pairs)
    assert weighted(pairs).mean == pytest.approx(sum(value * weight for value, weight in pairs) / total)


def weighted(pairs: list[tuple[float, int]]) -> Distribution:
    values, weights = zip(*pairs, strict=True)
    return Distribution(
        values=np.array(values), phases=np.full(len(pairs), "steady"), weights=np.array(weights)
    )
