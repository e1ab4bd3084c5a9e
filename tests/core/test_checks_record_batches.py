"""A trace of two batches in partition 0, ten events each; a repetition is a second of event time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.judge.measure.measurement import Count, Unjudged
from harness.judge.registry import checks_for
from harness.scenario.model import Load, Scenario
from harness.scenario.profiles.constant import Constant
from pipeline.base.options import PipelineOptions
from tests.core.histories import ORIGIN_MS, SECOND_NS, Rows, history, scenario, sent


def record_batches(**load: Any) -> Scenario:
    """A minute of whole batches; as fast as they are taken where no profile is given."""
    given = {"trace": Path("trace.yaml"), "event_span": 3600.0, "duration": 60.0, "path": "record_batches"}
    return scenario(load=Load(**{**given, **load}), pipeline=PipelineOptions(deploy=()))


BATCHES = record_batches()
CHECKS = checks_for(BATCHES)
ENCODED = [
    {"partition": 0, "first_event": 0, "count": 10, "base_timestamp_ms": 0, "records_crc": 11},
    {"partition": 0, "first_event": 10, "count": 10, "base_timestamp_ms": 500, "records_crc": 22},
]
TRACE = [{**row, "last_event_ms": 999} for row in ENCODED]


def found(offset: int, number: int, **fields: object) -> dict[str, object]:
    """What the topic holds of the batch whose first event has this number in the record_batches."""
    repetition, first_event = divmod(number, 20)
    batch = TRACE[first_event // 10]
    return {
        "partition": 0,
        "offset": offset,
        "count": 10,
        "base_timestamp_ms": ORIGIN_MS + 1000 * repetition + int(str(batch["base_timestamp_ms"])),
        "records_crc": batch["records_crc"],
        **fields,
    }


HEALTHY = [found(0, 0), found(10, 10), found(20, 20), found(30, 30)]
AT_THE_END = {"started_ns": 59 * SECOND_NS, "completed_ns": 60 * SECOND_NS}
SENT = [sent(first, first + 9, **AT_THE_END) for first in (0, 10, 20, 30)]


def measured(
    check: str,
    *,
    there: list[dict[str, object]],
    operations: list[dict[str, object]] | None = None,
    of: Scenario = BATCHES,
    encoded: Rows = TRACE,
) -> int:
    measurement = CHECKS[check].measure(
        history(
            of=of,
            encoded=encoded,
            readback_record_batches=there,
            operations=SENT if operations is None else operations,
        )
    )
    assert isinstance(measurement, Count), measurement
    return measurement.value


SAFETY = ("unacknowledged", "acknowledged_lost", "unaccounted", "duplicates", "out_of_order")


@pytest.mark.parametrize("check", SAFETY)
def test_a_healthy_load_has_nothing_wrong(check: str) -> None:
    assert measured(check, there=HEALTHY) == 0


@pytest.mark.parametrize("check", SAFETY)
def test_where_nothing_was_recorded_nothing_is_judged(check: str) -> None:
    assert isinstance(CHECKS[check].measure(history(of=BATCHES)), Unjudged)


def test_a_batch_that_is_gone_is_lost_by_its_events() -> None:
    assert measured("acknowledged_lost", there=HEALTHY[:3]) == 10


def test_the_same_records_of_another_repetition_do_not_stand_for_a_lost_one() -> None:
    assert measured("acknowledged_lost", there=[*HEALTHY[:2], HEALTHY[3], found(40, 30)]) == 10


def test_a_batch_with_other_records_is_lost_and_unaccounted() -> None:
    there = [*HEALTHY[:3], found(30, 30, records_crc=23)]
    assert measured("acknowledged_lost", there=there) == 10
    assert measured("unaccounted", there=there) == 10


def test_a_batch_in_another_partition_is_lost_and_unaccounted() -> None:
    there = [*HEALTHY[:3], found(0, 30, partition=1)]
    assert measured("acknowledged_lost", there=there) == 10
    assert measured("unaccounted", there=there) == 10


def test_a_batch_that_is_there_twice_is_a_duplicate() -> None:
    assert measured("duplicates", there=[*HEALTHY, found(40, 30)]) == 10


def test_batches_that_changed_places_are_out_of_order() -> None:
    swapped = [found(0, 0), found(10, 20), found(20, 10), found(30, 30)]
    assert measured("out_of_order", there=swapped) == 10


@pytest.mark.parametrize("there", [HEALTHY, HEALTHY[:3]])
def test_an_unknown_batch_may_be_there_or_not(there: list[dict[str, object]]) -> None:
    operations = [*SENT[:3], sent(30, 39, "unknown")]
    assert measured("acknowledged_lost", there=there, operations=operations) == 0
    assert measured("unaccounted", there=there, operations=operations) == 0
    assert measured("unacknowledged", there=there, operations=operations) == 10


def test_a_batch_that_was_refused_must_not_be_there() -> None:
    operations = [*SENT[:3], sent(30, 39, "fail")]
    assert measured("unaccounted", there=HEALTHY, operations=operations) == 10


def test_a_batch_that_the_load_left_out_is_not_the_platforms_failure() -> None:
    found = unacknowledged(record_batches(), [SENT[0], *SENT[2:]])
    assert found == left_out_of(10, 40)


def test_a_batch_that_was_left_out_hides_none_that_was_refused() -> None:
    found = unacknowledged(record_batches(), [SENT[0], sent(20, 29, "fail"), *SENT[3:]])
    assert isinstance(found, Count)
    assert (found.value, found.detail) == (10, "of 40 events: 10 refused, 0 unknown, 10 never sent")


def test_an_operation_that_the_trace_does_not_know_is_unaccounted() -> None:
    assert measured("unaccounted", there=HEALTHY, operations=[*SENT, sent(45, 54)]) == 10


def left_out_of(missing: int, of: int) -> Unjudged:
    return Unjudged(
        reason=f"the load itself did not send {missing:,} of {of:,} events: the platform was never given them"
    )


def unacknowledged(of: Scenario, operations: Rows, encoded: Rows = TRACE) -> Count | Unjudged:
    found = CHECKS["unacknowledged"].measure(history(of=of, encoded=encoded, operations=operations))
    assert isinstance(found, Count | Unjudged)
    return found


@pytest.mark.parametrize(("events", "missing"), [(40, 0), (41, 10), (49, 10), (50, 10), (60, 20), (200, 160)])
def test_all_that_a_profile_has_due_is_due_whatever_was_sent(events: int, missing: int) -> None:
    found = unacknowledged(record_batches(profile=Constant(rate=events / 60)), SENT)
    assert found == left_out_of(missing, 40 + missing) if missing else isinstance(found, Count)


def test_of_a_profile_of_which_nothing_was_sent_everything_is_missing() -> None:
    assert unacknowledged(record_batches(profile=Constant(rate=1)), ()) == left_out_of(60, 60)


def test_a_partition_that_never_sent_has_missed_what_a_profile_had_due_there() -> None:
    encoded = [TRACE[0], {**TRACE[1], "partition": 1}]
    found = unacknowledged(record_batches(profile=Constant(rate=40 / 60)), [SENT[0], SENT[2]], encoded)
    assert found == left_out_of(20, 40)


def test_a_flood_that_ended_early_is_not_judged() -> None:
    early = [sent(first, first + 9, started_ns=3 * SECOND_NS) for first in (0, 10, 20, 30)]
    found = unacknowledged(record_batches(), early)
    assert isinstance(found, Unjudged)
    assert found.reason == "nothing was sent after 3.0 s of the load's 60 s"


def test_a_flood_in_which_a_partition_never_sent_is_not_judged() -> None:
    found = unacknowledged(record_batches(), SENT, [*TRACE, {**TRACE[1], "partition": 7}])
    assert isinstance(found, Unjudged)
    assert found.reason == "nothing was sent to partition 7"


def test_what_was_refused_counts_though_the_flood_ended_early() -> None:
    found = unacknowledged(record_batches(), [sent(0, 9, "fail")])
    assert isinstance(found, Count)
    assert found.value == 10


def test_an_encoded_trace_of_which_nothing_is_recorded_is_not_judged() -> None:
    assert isinstance(unacknowledged(record_batches(profile=Constant(rate=1)), SENT, ()), Unjudged)


# A load that computes its events: each batch comes once, and is numbered in its partition.
COMPUTED = record_batches(path="computed")
COMPUTED_BATCHES = [
    {
        "partition": partition,
        "first_event": first,
        "count": 10,
        "base_timestamp_ms": 7 * first,
        "last_event_ms": 7 * first + 6,
        "records_crc": 100 * partition + first,
    }
    for partition in (0, 1)
    for first in (0, 10, 20)
]
COMPUTED_SENT = [
    sent(row["first_event"], row["first_event"] + 9, partition=row["partition"], **AT_THE_END)  # type: ignore[arg-type]
    for row in COMPUTED_BATCHES
]
COMPUTED_FOUND: list[dict[str, object]] = [
    {
        **{name: row[name] for name in ("partition", "count", "records_crc")},
        "offset": row["first_event"],
        "base_timestamp_ms": ORIGIN_MS + row["base_timestamp_ms"],
    }
    for row in COMPUTED_BATCHES
]


def wrong(
    there: list[dict[str, object]],
    *,
    operations: list[dict[str, object]] = COMPUTED_SENT,
    encoded: Rows = COMPUTED_BATCHES,
    of: Scenario = COMPUTED,
) -> dict[str, int]:
    """The checks of a computed load that find something, and what."""
    found = {
        check: measured(check, there=there, operations=operations, of=of, encoded=encoded) for check in SAFETY
    }
    return {check: events for check, events in found.items() if events}


def test_a_healthy_computed_load_has_nothing_wrong() -> None:
    assert wrong(COMPUTED_FOUND) == {}


def test_a_computed_batch_that_is_gone_is_lost() -> None:
    assert wrong(COMPUTED_FOUND[1:]) == {"acknowledged_lost": 10}


def test_a_computed_batch_that_is_there_twice_is_a_duplicate() -> None:
    assert wrong([*COMPUTED_FOUND, {**COMPUTED_FOUND[0], "offset": 30}]) == {"duplicates": 10}


def test_computed_batches_that_changed_places_are_out_of_order() -> None:
    first, second, *others = COMPUTED_FOUND
    swapped = [{**first, "offset": 10}, {**second, "offset": 0}, *others]
    assert wrong(swapped) == {"out_of_order": 10}


@pytest.mark.parametrize("place", range(3))
def test_a_computed_batch_of_which_no_row_was_written_is_not_taken_for_another(place: int) -> None:
    # Neither its operation nor what the topic holds of it belongs to anything; and so it counts as lost.
    found = wrong(
        COMPUTED_FOUND[:3],
        operations=COMPUTED_SENT[:3],
        encoded=[row for n, row in enumerate(COMPUTED_BATCHES[:3]) if n != place],
    )
    assert found == {"unaccounted": 20, "acknowledged_lost": 10}


def test_a_computed_batch_whose_operation_died_with_its_process_may_be_there_or_not() -> None:
    operations = [row for row in COMPUTED_SENT if row["first_seq"] != 20]
    assert wrong(COMPUTED_FOUND, operations=operations) == {}
    assert wrong([row for row in COMPUTED_FOUND if row["offset"] != 20], operations=operations) == {}


def test_a_computed_batch_that_was_refused_must_not_be_there() -> None:
    refused = {**COMPUTED_SENT[0], "outcome": "fail", "error": "NotEnoughReplicas"}
    found = wrong(COMPUTED_FOUND, operations=[refused, *COMPUTED_SENT[1:]])
    assert found == {"unacknowledged": 10, "unaccounted": 10}


def test_a_computed_batch_that_the_load_left_out_is_not_the_platforms_failure() -> None:
    found = unacknowledged(COMPUTED, [COMPUTED_SENT[0], *COMPUTED_SENT[2:]], COMPUTED_BATCHES)
    assert isinstance(found, Unjudged)
    assert found.reason.startswith("the load itself did not send 10 of")


@pytest.mark.parametrize(("due", "missing"), [(60, 0), (61, 1), (200, 140)])
def test_what_a_profile_had_due_and_nobody_computed_was_never_acknowledged(due: int, missing: int) -> None:
    of = record_batches(path="computed", profile=Constant(rate=due / 60))
    found = CHECKS["unacknowledged"].measure(
        history(of=of, encoded=COMPUTED_BATCHES, operations=COMPUTED_SENT)
    )
    assert found == left_out_of(missing, due) if missing else isinstance(found, Count)


def test_what_was_computed_for_a_profile_and_never_sent_is_named_by_its_number() -> None:
    of = record_batches(path="computed", profile=Constant(rate=1))
    refused = {**COMPUTED_SENT[1], "outcome": "fail", "error": "NotEnoughReplicas"}
    found = unacknowledged(of, [refused, *COMPUTED_SENT[2:]], COMPUTED_BATCHES)
    assert isinstance(found, Count)
    assert (found.value, "10 never sent, from number 0" in found.examples) == (10, True)
