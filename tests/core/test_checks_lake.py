"""A day through the lake: three events of Kafka, one sent twice, one broken; three partners' rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from harness.history.reader import History
from harness.judge.checks.lake.registry import LAKE_CHECKS
from harness.judge.measure.measurement import Count, Distribution, Unjudged
from harness.judge.registry import CHECKS, checks_for
from harness.oracle.lake import derive_lake
from harness.scenario.lake_steps import LakeStage, Rerun, RunDays
from harness.scenario.model import Load, Scenario
from pipeline.base.options import PipelineOptions
from tests.core.histories import Rows, event, found, history, scenario
from tests.core.lake_histories import (
    DAY,
    GATES,
    LAMBDA,
    LAYER_TABLES,
    PARTNERS,
    PLAN,
    SOURCE,
    STREAM,
    TASKS,
    altered,
    batch_day,
    gate,
    measure,
    partner,
    quarantined,
    right_day,
    task,
    wrong,
)

RIGHT = right_day()
SAFETY = (
    "bronze_equals_oracle",
    "silver_equals_oracle",
    "gold_equals_oracle",
    "reconciled",
    "gates_evaluated",
    "days_published",
)


def judged(**tables: Rows) -> dict[str, int]:
    """What each safety check counts, where it counts anything."""
    of = batch_day(**tables)
    return {name: value for name in SAFETY if (value := wrong(name, of)[0])}


def where(table: str, **fields: object) -> int:
    """The first row of a right table that has these fields."""
    return next(n for n, row in enumerate(RIGHT[table]) if row.items() >= fields.items())


def test_a_right_lake_has_nothing_wrong() -> None:
    assert judged() == {}


@pytest.mark.parametrize("name", SAFETY)
def test_where_no_task_was_carried_out_nothing_is_judged(name: str) -> None:
    assert isinstance(measure(name, batch_day(lake_tasks=[])), Unjudged)


def test_a_lake_that_was_asked_for_days_and_carried_out_none_published_none() -> None:
    of = batch_day(expecting_quarantine(), lake_tasks=[])
    layers = "bronze not run, silver not run, gold not run"
    assert wrong("days_published", of) == (1, (f"{DAY}: {layers}",))


def test_records_that_the_plan_does_not_know_leave_the_layers_unjudged() -> None:
    strange = {"topic": "events", "partition": 0, "offset": 9, "seq": -1}
    found = measure("silver_equals_oracle", batch_day(readback_events=[*SOURCE, *STREAM, strange]))
    assert isinstance(found, Unjudged)
    assert found.reason.startswith(
        "1 records of the source topic are not in the plan, so their content is unknown"
    )


def test_landing_that_runs_again_without_offsets_is_told_by_bronze_and_by_its_hop() -> None:
    landed = altered(RIGHT["lake_landing"], where("lake_landing", event_date=DAY), rows=10)
    bronze = [{**row, "rows": 2} if row["source"] == "kafka" else row for row in RIGHT["lake_bronze"]]
    of = batch_day(lake_landing=landed, lake_bronze=bronze)
    assert wrong("bronze_equals_oracle", of)[0] == 6
    assert f"{DAY}, source topic -> landing: 5 rows in, 10 out" in wrong("reconciled", of)[1]


def test_a_record_with_other_bytes_makes_bronze_differ() -> None:
    assert judged(lake_bronze=altered(RIGHT["lake_bronze"], 0, checksum=1)) == {"bronze_equals_oracle": 1}


def test_silver_that_keeps_a_duplicate_differs_in_rows_and_in_rejects() -> None:
    index = where("lake_silver", event_date=DAY, source="kafka")
    silver = altered(RIGHT["lake_silver"], index, rows=2)
    duplicate = where("lake_rejects", source="kafka", reason="duplicate_identity")
    rejects = [row for n, row in enumerate(RIGHT["lake_rejects"]) if n != duplicate]
    count, examples = wrong("silver_equals_oracle", batch_day(lake_silver=silver, lake_rejects=rejects))
    assert count == 2
    assert examples == (
        f"{DAY}, departure, kafka: expected 3 rows, found 4",
        f"{DAY}, rejects, duplicate_identity, kafka: expected 1 rows, found 0",
    )


def test_a_silver_row_with_another_value_differs_though_the_numbers_agree() -> None:
    index = where("lake_silver", event_date=DAY, source="partner")
    bucket = int(str(RIGHT["lake_silver"][index]["bucket"]))
    moved = altered(RIGHT["lake_silver"], index, bucket=(bucket + 1) % 256, checksum=5)
    assert judged(lake_silver=moved) == {"silver_equals_oracle": 1}


def test_a_copy_from_kafka_wins_over_a_partners() -> None:
    swapped = [{**row, "source": "partner"} for row in RIGHT["lake_silver"]]
    assert wrong("silver_equals_oracle", batch_day(lake_silver=swapped))[0] > 0


@pytest.mark.parametrize("reason", ["missing:event_id", "not_json"])
def test_a_reject_with_another_reason_differs(reason: str) -> None:
    index = where("lake_rejects", source="kafka", reason="type:event_id")
    rejects = altered(RIGHT["lake_rejects"], index, reason=reason)
    assert set(judged(lake_rejects=rejects)) == {"silver_equals_oracle", "reconciled"}


def test_a_partners_row_that_never_came_is_told_by_its_hop() -> None:
    of = batch_day(partner_rows=[*PARTNERS, partner(3)], **RIGHT)
    assert f"{DAY}, partner files -> bronze, partner: 4 rows in, 3 out" in wrong("reconciled", of)[1]


def test_an_event_that_the_stream_lost_is_told_by_its_hop() -> None:
    of = batch_day(readback_events=[*SOURCE, *STREAM[1:]])
    assert wrong("reconciled", of) == (1, (f"{DAY}, events_valid -> silver, kafka: 2 rows in, 3 out",))


def test_an_event_that_the_stream_gave_twice_is_no_row_that_came() -> None:
    again = [{**STREAM[0], "offset": 9}, {**STREAM[-1], "offset": 9}]
    assert "reconciled" not in judged(readback_events=[*SOURCE, *STREAM, *again])


def test_a_dead_letter_that_the_stream_lost_is_told_by_its_hop() -> None:
    of = batch_day(readback_events=[*SOURCE, *STREAM[:-1]])
    hop = "dead letters, type:event_id -> kafka rejected, type:event_id"
    assert wrong("reconciled", of) == (1, (f"{DAY}, {hop}: 0 rows in, 1 out",))


GOLD_TABLES = ("daily", "hourly", "entity_days", "entities")
COLUMNS = {
    "events": 77,
    "measured": 77,
    "value_sum": 77.0,
    "value_min": 77.0,
    "value_max": 77.0,
    "quantity_sum": 77,
    "first_event_time_ms": 77,
    "last_event_time_ms": 77,
    "last_event_type": "landed",
    "last_value": 77.0,
}


@pytest.mark.parametrize("table", GOLD_TABLES)
@pytest.mark.parametrize("column", COLUMNS)
def test_any_figure_of_gold_that_differs_is_told(table: str, column: str) -> None:
    rows = RIGHT[f"lake_gold_{table}"]
    if column in rows[0]:
        found = wrong(
            "gold_equals_oracle",
            batch_day(**{f"lake_gold_{table}": altered(rows, 0, **{column: COLUMNS[column]})}),
        )
        assert found[0] > 0
        assert any(example.startswith(table) for example in found[1])


@pytest.mark.parametrize("table", GOLD_TABLES)
@pytest.mark.parametrize("change", [lambda rows: rows[1:], lambda rows: [*rows, rows[0]]])
def test_a_row_of_gold_that_is_missing_or_there_twice_is_told(
    table: str, change: Callable[[Rows], Rows]
) -> None:
    rows = change(RIGHT[f"lake_gold_{table}"])
    assert wrong("gold_equals_oracle", batch_day(**{f"lake_gold_{table}": rows}))[0] > 0


def test_a_sum_may_differ_by_the_order_of_its_addition() -> None:
    rows = RIGHT["lake_gold_daily"]
    nearly = [
        {**row, "value_sum": row["value_sum"] and float(str(row["value_sum"])) * (1 + 2.0**-51)}
        for row in rows
    ]
    assert judged(lake_gold_daily=nearly) == {}


def test_any_of_an_entitys_events_of_one_moment_may_be_its_last() -> None:
    tied = [*PARTNERS, partner(3, 10, value=5.0, event_type="landed")]
    for value, kind in ((4.0, "departure"), (5.0, "landed")):
        of = batch_day(partner_rows=tied)
        days = of.rows("SELECT * FROM lake_gold_entity_days")
        index = next(n for n, row in enumerate(days) if row["entity_id"] == "N1")
        days[index] |= {"last_value": value, "last_event_type": kind}
        totals = of.rows("SELECT * FROM lake_gold_entities")
        totals = [row | ({"last_event_type": kind} if row["entity_id"] == "N1" else {}) for row in totals]
        tables = {"lake_gold_entity_days": days, "lake_gold_entities": totals}
        assert judged(partner_rows=tied, **tables) == {}


def test_entities_are_what_their_days_in_the_table_add_up_to() -> None:
    kept = {**RIGHT["lake_gold_entity_days"][0], "place": "quarantine", "events": 50}
    assert judged(lake_gold_entity_days=[*RIGHT["lake_gold_entity_days"], kept]) == {}


def kept_back(layer: str, of: Scenario = LAMBDA, **tables: Rows) -> History:
    """The day is in quarantine from this layer on, and nothing of it behind it."""
    layers = list(LAYER_TABLES)
    others = {
        name: [row for row in RIGHT[name] if row["event_date"] != DAY]
        for kept in layers[layers.index(layer) :]
        for name in LAYER_TABLES[kept]
    }
    for name in LAYER_TABLES[layer]:
        others[name] += [{**row, "place": "quarantine"} for row in RIGHT[name] if row["event_date"] == DAY]
    totals = [row for row in RIGHT["lake_gold_entities"] if row["entity_id"] == "closing"]
    done = {"lake_tasks": quarantined(layer), "lake_gold_entities": totals}
    return batch_day(of, **{**done, **others, **tables})


def expecting_quarantine(*days: int) -> Scenario:
    """Three days of which these are planned to be kept in quarantine."""
    stage = LakeStage(steps=(RunDays(days=(1, 2, 3)),), expect_quarantined=days)
    return LAMBDA.model_copy(update={"lake": stage})


@pytest.mark.parametrize("layer", LAYER_TABLES)
def test_a_day_that_nobody_planned_to_keep_back_is_told_by_days_published(layer: str) -> None:
    of = kept_back(layer)
    behind = list(LAYER_TABLES)[list(LAYER_TABLES).index(layer) + 1 :]
    told = [f"{layer} quarantined", *(f"{name} held back" for name in behind)]
    count, examples = wrong("days_published", of)
    assert count == 1
    assert examples[0].startswith(f"{DAY}: ")
    assert all(words in examples[0] for words in told)


@pytest.mark.parametrize("layer", LAYER_TABLES)
def test_layers_without_any_day_that_could_be_judged_are_not_judged(layer: str) -> None:
    of = kept_back(layer)
    names = {"bronze": "bronze_equals_oracle", "silver": "silver_equals_oracle", "gold": "gold_equals_oracle"}
    layers = list(LAYER_TABLES)
    for name in layers[: layers.index(layer) + 1]:
        assert wrong(names[name], of) == (0, ())
    for name in layers[layers.index(layer) + 1 :]:
        assert measure(names[name], of) == Unjudged(
            reason=f"all 1 days of {name} were held back, so there is nothing to judge"
        )
    assert wrong("reconciled", of) == (0, ())


def test_a_day_that_was_planned_to_be_kept_back_is_right_where_it_is() -> None:
    of = kept_back("silver", expecting_quarantine(1))
    assert {name: wrong(name, of)[0] for name in SAFETY} == dict.fromkeys(SAFETY, 0)
    assert measure("days_published", of) == Count(
        value=0, detail="of 1 days of the source; 1 planned to stay in quarantine"
    )
    assert (
        measure("gold_equals_oracle", of).detail == "of 4 rows of 1 days; 1 were held back and are not judged"
    )


def test_a_day_that_was_published_and_was_planned_not_to_be_is_told() -> None:
    of = batch_day(expecting_quarantine(1))
    assert {name: value for name in SAFETY if (value := wrong(name, of)[0])} == {"days_published": 1}
    layers = "bronze promoted, silver promoted, gold promoted"
    assert wrong("days_published", of)[1] == (f"{DAY}: {layers}; planned to stay in quarantine",)


def test_the_plan_of_one_day_excuses_no_other() -> None:
    assert wrong("days_published", kept_back("bronze", expecting_quarantine(2)))[0] == 2


@pytest.mark.parametrize("missing", ["bronze", "silver", "gold"])
def test_a_day_whose_layer_was_never_carried_out_is_not_published(missing: str) -> None:
    of = batch_day(lake_tasks=[row for row in TASKS if row["task"] != missing])
    count, (example,) = wrong("days_published", of)
    assert (count, f"{missing} not run" in example) == (1, True)


def test_a_day_that_is_not_due_need_not_be_published() -> None:
    other = DAY + timedelta(days=9)
    held = [task(name, event_date=other, outcome="held_back") for name in ("silver", "gold")]
    assert wrong("days_published", batch_day(lake_tasks=[*TASKS, *held]))[0] == 0


@pytest.mark.parametrize("layer", LAYER_TABLES)
def test_rows_of_a_day_that_was_never_promoted_must_not_be_in_the_table(layer: str) -> None:
    """It lies in quarantine, as it should, and where readers look as well."""
    both = {
        name: [{**row, "place": place} for row in RIGHT[name] for place in ("table", "quarantine")]
        for name in LAYER_TABLES[layer]
    }
    assert wrong(f"{layer}_equals_oracle", kept_back(layer, **both))[0] > 0


def test_rows_of_a_day_that_was_held_back_must_not_be_in_the_table() -> None:
    of = kept_back("silver", expecting_quarantine(1), lake_gold_daily=RIGHT["lake_gold_daily"])
    count, examples = wrong("gold_equals_oracle", of)
    assert count == 2
    assert examples[0].endswith("unexpected, or present more than once")


def test_what_was_promoted_from_older_inputs_stays_and_is_not_judged() -> None:
    tasks = [*TASKS, *({**row, "number": 2} for row in quarantined("silver"))]
    both = {
        name: [{**row, "place": place} for row in RIGHT[name] for place in ("table", "quarantine")]
        for name in ("lake_silver", "lake_rejects")
    }
    gates = [*GATES, gate("bronze", number=2), gate("silver", number=2, result="failed")]
    of = batch_day(lake_tasks=tasks, lake_gates=gates, **both)
    assert wrong("silver_equals_oracle", of)[0] == 0


def test_the_rows_of_gold_are_counted_of_the_days_that_are_judged() -> None:
    rows = sum(len(RIGHT[f"lake_gold_{name}"]) for name in GOLD_TABLES)
    assert measure("gold_equals_oracle", batch_day()).detail == f"of {rows} rows of 2 days"
    of = kept_back("silver", expecting_quarantine(1))
    assert measure("gold_equals_oracle", of) == Count(
        value=0, detail="of 4 rows of 1 days; 1 were held back and are not judged"
    )


def test_a_day_in_quarantine_must_not_be_in_the_table_alone() -> None:
    assert "silver_equals_oracle" in judged(lake_tasks=quarantined("silver"))


def test_a_day_of_which_no_task_was_carried_out_is_missing() -> None:
    of = batch_day(lake_tasks=[task("bronze", event_date=DAY.replace(day=1))], lake_bronze=[], lake_silver=[])
    assert wrong("bronze_equals_oracle", of)[0] == 8


@pytest.mark.parametrize(("span_s", "missing"), [(180.0, 1), (120.0, 0)])
def test_a_day_that_begins_where_the_load_ends_is_not_due(span_s: float, missing: int) -> None:
    """The third event, at minute three, stands for a day of its own that no task was carried out for."""
    load = Load(trace=Path("trace.yaml"), event_span=span_s + 1, duration=60.0)
    of = scenario(pipeline=PipelineOptions(deploy=("stream", "lake")), load=load)
    other_day = [task("bronze", event_date=DAY.replace(day=1))]
    alone = {"plan": [PLAN[2]], "readback_events": found("events", 2), "partner_rows": []}
    given = batch_day(of, **alone, lake_tasks=other_day, lake_bronze=[], lake_silver=[], lake_gold_daily=[])
    assert wrong("bronze_equals_oracle", given)[0] == missing


def test_the_last_time_that_a_task_was_carried_out_decides() -> None:
    again = [*quarantined("silver"), *(task(str(t["task"]), number=2) for t in TASKS)]
    assert judged(lake_tasks=again, lake_gates=[*GATES, *({**g, "number": 2} for g in GATES)]) == {}


@pytest.mark.parametrize(
    ("gates", "told"),
    [
        (GATES[1:], "its gate was not evaluated"),
        ([gate("bronze", result="not_evaluated"), *GATES[1:]], "its gate was not evaluated"),
        ([gate("bronze", result="not_applicable"), *GATES[1:]], "its gate was not evaluated"),
        (
            [*GATES, gate("bronze", "rows", result="failed"), gate("bronze", "nulls", result="failed")],
            "promoted although these failed: nulls, rows",
        ),
        (
            [*GATES, gate("bronze", "rows", result="not_evaluated")],
            "promoted although these were not evaluated: rows",
        ),
    ],
)
def test_a_layer_that_went_past_its_gate_is_told(gates: Rows, told: str) -> None:
    assert wrong("gates_evaluated", batch_day(lake_gates=gates)) == (1, (f"bronze of {DAY}: {told}",))


@pytest.mark.parametrize(
    "gates",
    [
        [*GATES, gate("bronze", "rows", severity="warning", result="failed")],
        [*GATES, gate("bronze", "rows", number=7, result="failed")],
        [*GATES, gate("bronze", "volume", result="not_applicable")],
    ],
)
def test_what_is_no_failed_error_of_this_time_keeps_nothing_back(gates: Rows) -> None:
    assert judged(lake_gates=gates) == {}


def test_a_failed_gate_that_kept_its_day_back_was_no_wrong() -> None:
    of = batch_day(lake_tasks=quarantined("gold"), lake_gates=[*GATES[:2], gate("gold", result="failed")])
    assert wrong("gates_evaluated", of)[0] == 0


def distribution(check: str, **tables: Rows) -> Distribution:
    found = measure(check, history(of=LAMBDA, **tables))
    assert isinstance(found, Distribution), found
    return found


def test_pruning_is_what_a_query_did_not_read_of_a_full_scan() -> None:
    scans = [
        {"at_ns": 0, "query": "one day", "files_read": 1, "files_all": 90, "bytes_read": 2, "bytes_all": 100},
        {"at_ns": 0, "query": "of nothing", "files_read": 0, "files_all": 0, "bytes_read": 0, "bytes_all": 0},
    ]
    found = distribution("pruning", lake_scans=scans)
    assert found.values.tolist() == [98.0]
    assert found.examples == ("one day: 98.0% not read, 1 of 90 files opened",)


def test_a_tasks_duration_counts_each_time_and_held_back_ones_took_none() -> None:
    tasks = [task("bronze"), task("bronze", 2, ended_ns=66 * 10**9), task("gold", outcome="held_back")]
    assert sorted(distribution("lake_duration", lake_tasks=tasks).values) == [2.0, 5.0]


def test_costs_are_by_task_for_a_million_rows_read() -> None:
    tasks = [task("bronze", cpu_s=1.0, rows_read=500_000), task("bronze", 2, cpu_s=2.0, rows_read=500_000)]
    assert distribution("lake_cpu", lake_tasks=tasks).values.tolist() == [3.0]
    assert distribution("lake_bytes", lake_tasks=tasks).values.tolist() == [10_000.0]


@pytest.mark.parametrize("name", ["pruning", "lake_duration", "lake_cpu", "lake_bytes"])
def test_what_was_not_measured_is_not_judged(name: str) -> None:
    assert isinstance(measure(name, history(of=LAMBDA)), Unjudged)


def test_the_checks_of_the_lake_need_it_deployed() -> None:
    names = {check.name for check in LAKE_CHECKS}
    assert names - {"reruns_unchanged", "pruning"} <= checks_for(LAMBDA).keys()
    assert not names & checks_for(scenario()).keys()
    assert names <= CHECKS.keys()


def test_reruns_are_judged_where_the_scenario_has_some() -> None:
    again = LAMBDA.model_copy(update={"lake": LakeStage(steps=(RunDays(days=(1,)), Rerun(days=(1,))))})
    assert "reruns_unchanged" in checks_for(again)
    assert "reruns_unchanged" not in checks_for(LAMBDA)


def test_without_the_stream_path_the_lake_is_reconciled_with_its_source_alone() -> None:
    alone = scenario(pipeline=PipelineOptions(deploy=("lake",)))
    assert wrong("reconciled", batch_day(alone, readback_events=SOURCE)) == (0, ())
    assert wrong("reconciled", batch_day(readback_events=SOURCE))[0] > 0


@pytest.mark.parametrize(("order", "value"), [((0, 6), 2.5), ((6, 0), 99.0)])
def test_of_records_that_contradict_each_other_silver_has_the_first(
    order: tuple[int, ...], value: float
) -> None:
    plan = [*PLAN, event(6, 1, kind="conflict", original_seq=0, event_id="e0", value=99.0)]
    source = found("events", 0, 0, 1, 2, 4, 5)
    contested = [{**row, "sent_as": sent_as} for row, sent_as in zip(source, order, strict=False)]
    of = batch_day(plan=plan, readback_events=[*contested, *source[2:]])
    derive_lake(of)
    assert of.rows("SELECT value FROM oracle_silver WHERE event_id = 'e0'") == [{"value": value}]


def decimals(value: float) -> dict[str, Rows]:
    """The day's source, whose first event, which is sent twice, has this value."""
    plan = [{**row, "value": value} if row["seq"] in (0, 3) else row for row in PLAN]
    return {"plan": plan, "readback_events": [*SOURCE, *STREAM]}


def made_of(value: float) -> Mapping[str, Rows]:
    """The right tables of the day with this value."""
    of = batch_day(**decimals(value))
    names = [name for names in LAYER_TABLES.values() for name in names]
    return {name: of.rows(f"SELECT * FROM {name}") for name in names}  # noqa: S608 -- names of this module


@pytest.mark.parametrize(
    ("layer", "check"), [("silver", "silver_equals_oracle"), ("gold", "gold_equals_oracle")]
)
def test_values_that_a_layer_rounds_to_a_tenth_are_told(layer: str, check: str) -> None:
    exact, rounded = made_of(2.57), made_of(2.6)
    assert judged(**decimals(2.57), **exact) == {}
    planted = {**exact, **{name: rounded[name] for name in LAYER_TABLES[layer]}}
    assert judged(**decimals(2.57), **planted).keys() == {check}


LARGEST = 1.7976931348623157e308
INFINITE, NO_NUMBER = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("values", "right", "others"),
    [
        ((1e308, 1e308), (INFINITE,), (-INFINITE, NO_NUMBER, None, 12345.0, 1e308)),
        ((-1e308, -1e308), (-INFINITE,), (INFINITE, NO_NUMBER, None, -1e308)),
        ((1e308, 1e308, -1e308, -1e308), (0.0,), (INFINITE, -INFINITE, NO_NUMBER, None, 1e307)),
        ((LARGEST, 1e300, -1e300), (LARGEST, INFINITE), (1e308, -INFINITE)),
        ((1e-320, 2e-320), (3e-320,), (1e-320, INFINITE)),
        ((1.0, 2.0), (3.0,), (INFINITE, NO_NUMBER, None, 3.1)),
        ((1e9, 2.57), (1000000002.57, 1000000002.5700001), (1000000002.6, 1000000002.0)),
    ],
)
def test_a_sum_beyond_all_doubles_is_compared_as_others_are(
    values: tuple[float, ...], right: tuple[float, ...], others: tuple[float | None, ...]
) -> None:
    plan = [event(seq, 1, value=value) for seq, value in enumerate(values)]
    source = {"plan": plan, "readback_events": found("events", *range(len(values))), "partner_rows": []}
    of = batch_day(scenario(pipeline=PipelineOptions(deploy=("lake",))), **source)
    (daily,) = of.rows("SELECT * FROM lake_gold_daily")
    counted = {
        said: wrong("gold_equals_oracle", batch_day(**source, lake_gold_daily=[{**daily, "value_sum": said}]))
        for said in (*right, *others)
    }
    assert [counted[said][0] for said in right] == [0] * len(right)
    assert [counted[said][0] for said in others] == [1] * len(others)


@pytest.mark.parametrize("table", ["daily", "hourly"])
def test_a_sum_alone_that_is_rounded_to_a_tenth_is_told(table: str) -> None:
    exact = made_of(2.57)
    rows = [
        {**row, "value_sum": None if row["value_sum"] is None else round(row["value_sum"], 1)}
        for row in exact[f"lake_gold_{table}"]
    ]
    given = {**exact, f"lake_gold_{table}": rows}
    assert judged(**decimals(2.57), **given) == {"gold_equals_oracle": 1}
