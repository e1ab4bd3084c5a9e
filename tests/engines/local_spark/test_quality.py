"""Quality gates on Spark: each planted fault turns its own expectations red, and no others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipeline.contract.derive import event_contract, reference_contract, spark_schema
from pipeline.quality.gate import Gate
from pipeline.quality.measures import GateContext
from pipeline.quality.result import GateResult, State
from pipeline.quality.sample import sample

# py4j leaves closing to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

DAY = date(2013, 2, 9)
NEXT = datetime(2013, 2, 10, tzinfo=UTC)
CONTRACT = event_contract()
WEEK = {DAY - timedelta(days=back): 100 for back in range(1, 8)}


def event(number: int, **other: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number:03d}",
        "event_type": "departed",
        "entity_id": "EWR-IAH",
        "category": "UA",
        "reference_id": "N1",
        "value": float(number % 7),
        "quantity": 1400,
        "attributes": {"dest": "IAH"},
        "event_time": NEXT - timedelta(minutes=number),
        **other,
    }


def silver(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame(rows, spark_schema(CONTRACT))


def context(spark: SparkSession, **other: Any) -> GateContext:
    references = {
        "categories": spark.createDataFrame([("UA",), ("UA",)], "category string"),
        "assets": spark.createDataFrame([("N1",), (None,)], "reference_id string"),
    }
    given: dict[str, Any] = {"now": NEXT, "daily_rows": WEEK, "references": references, **other}
    return GateContext(**given)


def judged(spark: SparkSession, changes: dict[int, dict[str, Any]], rows: int = 100) -> GateResult:
    """A day of good events, save those that are changed; a change of None is an event left out."""
    events = [event(n, **changes.get(n, {})) for n in range(rows)]
    return Gate.of("silver/events", CONTRACT).evaluate(silver(spark, events), DAY, context(spark))


def rules_by(result: GateResult, state: State) -> set[str]:
    return {outcome.rule for outcome in result.outcomes if outcome.state == state}


def test_a_good_day_passes_every_rule(spark: SparkSession) -> None:
    result = judged(spark, {1: {"event_id": "é" * 128}})
    assert rules_by(result, "passed") == {rule.rule for rule in result.outcomes}
    assert (result.verdict, result.rows) == ("promoted", 100)


ONE_ROW: dict[str, dict[str, Any]] = {
    "event_type_required": {"event_type": None},
    "event_type_pattern": {"event_type": "departed\n"},
    "event_id_length": {"event_id": "e" * 129},
    "entity_id_length": {"entity_id": ""},
    "entity_id_required": {"entity_id": None},
    "quantity_range": {"quantity": -1},
    "category_known": {"category": "ZZ"},
}
"""What one row is enough for, by the rule that tells it."""


def test_each_row_that_breaks_a_rule_turns_that_rule_red_and_no_other(spark: SparkSession) -> None:
    changes = {number: {"value": float(number), **fault} for number, fault in enumerate(ONE_ROW.values())}
    result = judged(spark, changes)
    assert rules_by(result, "failed") == set(ONE_ROW)
    assert rules_by(result, "not_evaluated") == set()
    minutes = {o.rule: [example["event_time"] for example in o.examples] for o in result.outcomes}
    for number, rule in enumerate(ONE_ROW):
        assert minutes[rule] == [f"{NEXT - timedelta(minutes=number):%Y-%m-%d %H:%M:%S}"]


SHARES = [
    ({n: {"value": None, "quantity": None} for n in range(2)}, {"value_nulls", "quantity_nulls"}, "promoted"),
    (
        {n: {"value": None, "reference_id": None} for n in range(80)},
        {"value_nulls", "value_mostly_null", "reference_id_nulls", "reference_id_mostly_null"},
        "quarantined",
    ),
    (
        {n: {"reference_id": "N9", "category": "ZZ" if n < 5 else "UA"} for n in range(15)},
        {"reference_id_known", "category_known", "category_mostly_known"},
        "quarantined",
    ),
    (
        {n: {"reference_id": "N9", "attributes": None} for n in range(25)},
        {"reference_id_known", "reference_id_mostly_known", "attributes_nulls"},
        "quarantined",
    ),
    (
        {n: {"event_time": NEXT - timedelta(minutes=9, seconds=n)} for n in range(9)},
        {"day_is_fresh"},
        "promoted",
    ),
]


@pytest.mark.parametrize(("changes", "red", "verdict"), SHARES)
def test_a_share_over_its_limit_is_told_and_only_an_error_keeps_the_day_back(
    spark: SparkSession, changes: dict[int, dict[str, Any]], red: set[str], verdict: str
) -> None:
    result = judged(spark, changes)
    assert (rules_by(result, "failed"), result.verdict) == (red, verdict)


@pytest.mark.parametrize(
    ("rows", "red", "verdict"),
    [(70, {"volume"}, "promoted"), (201, {"volume", "volume_within_reason"}, "quarantined")],
)
def test_a_day_of_few_or_many_rows_is_told_by_its_volume(
    spark: SparkSession, rows: int, red: set[str], verdict: str
) -> None:
    result = judged(spark, {}, rows)
    assert rules_by(result, "failed") == red
    assert result.verdict == verdict


def test_what_breaks_a_rule_is_shown_with_its_identity(spark: SparkSession) -> None:
    result = judged(spark, {n: {"quantity": -n} for n in range(1, 9)})
    (outcome,) = result.stopped_by
    assert (outcome.observed, len(outcome.examples)) == (8, 5)
    assert outcome.examples[0] == {"event_id": "e001", "event_time": "2013-02-09 23:59:00", "quantity": "-1"}


def test_copies_of_an_identity_are_shown_with_their_number(spark: SparkSession) -> None:
    result = judged(spark, {n: {"event_id": "e000", "event_time": NEXT} for n in range(3)})
    (outcome,) = result.stopped_by
    assert outcome.observed == 2
    assert [example["rows"] for example in outcome.examples] == ["3"]


def test_a_lost_column_or_table_is_not_evaluated_and_keeps_the_day_back(spark: SparkSession) -> None:
    frame = silver(spark, [event(n) for n in range(100)]).drop("entity_id")
    result = Gate.of("silver/events", CONTRACT).evaluate(frame, DAY, context(spark, references={}))
    assert rules_by(result, "not_evaluated") == {
        *("entity_id_required", "entity_id_length", "category_known", "category_mostly_known"),
        *("reference_id_known", "reference_id_mostly_known"),
    }
    assert result.verdict == "quarantined"
    assert {o.why for o in result.stopped_by} == {
        *("the table has no column entity_id", "there is no reference table categories"),
        "there is no reference table assets",
    }


def test_a_column_of_a_type_that_cannot_be_measured_keeps_the_day_back(spark: SparkSession) -> None:
    frame = silver(spark, [event(n) for n in range(3)]).drop("quantity")
    frame = frame.withColumn("quantity", frame["attributes"])
    result = Gate.of("silver/events", CONTRACT).evaluate(frame, DAY, context(spark))
    assert rules_by(result, "not_evaluated") == {o.rule for o in result.outcomes}
    assert result.verdict == "quarantined"


def test_a_day_without_rows_is_kept_back(spark: SparkSession) -> None:
    result = judged(spark, {}, rows=0)
    assert result.verdict == "quarantined"
    assert rules_by(result, "failed") == {"volume", "volume_within_reason"}
    assert rules_by(result, "passed") == set()


def test_the_first_days_have_no_week_to_be_held_against(spark: SparkSession) -> None:
    frame = silver(spark, [event(n) for n in range(9)])
    first = context(spark, daily_rows={DAY: 9, DAY - timedelta(days=1): 9, DAY - timedelta(days=8): 9})
    result = Gate.of("silver/events", CONTRACT).evaluate(frame, DAY, first)
    assert rules_by(result, "not_applicable") == {"volume", "volume_within_reason"}
    assert result.verdict == "promoted"


def test_a_day_that_has_not_ended_is_fresh_until_now(spark: SparkSession) -> None:
    events = [event(n, event_time=NEXT - timedelta(hours=5, minutes=n)) for n in range(100)]
    now = context(spark, now=NEXT - timedelta(hours=4, minutes=57))
    result = Gate.of("silver/events", CONTRACT).evaluate(silver(spark, events), DAY, now)
    (fresh,) = [outcome for outcome in result.outcomes if outcome.rule == "day_is_fresh"]
    assert (fresh.state, fresh.observed) == ("passed", 3)


def test_a_gate_that_is_skipped_says_that_nothing_was_evaluated(spark: SparkSession) -> None:
    gate = Gate.of("silver/events", CONTRACT, mode="skip")
    result = gate.evaluate(silver(spark, [event(1), event(1)]), DAY, context(spark))
    assert rules_by(result, "not_evaluated") == {rule.id for rule in gate.rules}
    assert (result.verdict, result.rows) == ("promoted", None)


def test_bronze_is_held_to_what_needs_no_field_of_the_contract(spark: SparkSession) -> None:
    frame = silver(spark, [event(n) for n in range(100)]).select("event_time")
    result = Gate.of("bronze/events", CONTRACT).evaluate(frame, DAY, context(spark))
    assert rules_by(result, "passed") == {
        "event_time_required",
        "day_is_fresh",
        "volume",
        "volume_within_reason",
    }


@pytest.mark.parametrize(
    ("rows", "of_silver", "red"),
    [
        ([("UA", 2), ("AA", 3)], 5, set()),
        ([("UA", 2), ("AA", 3)], 6, {"events_equal_silver"}),
        ([("UA", 2), ("UA", 3)], 5, {"keys_are_unique"}),
        ([("UA", 5), ("AA", 0)], 5, {"events_range"}),
        ([("UA", 5), (None, 1)], 6, {"category_required"}),
        ([], 1, {"events_equal_silver"}),
    ],
)
def test_gold_counts_every_row_of_silver_once(
    spark: SparkSession, rows: list[tuple[str | None, int]], of_silver: int, red: set[str]
) -> None:
    kind = "event_date date, category string, event_type string, events bigint"
    frame = spark.createDataFrame([(DAY, category, "departed", events) for category, events in rows], kind)
    given = context(spark, source_rows={"silver/events": of_silver})
    result = Gate.of("gold/daily", CONTRACT).evaluate(frame, DAY, given)
    assert rules_by(result, "failed") == red


def test_a_sample_is_the_same_however_the_rows_are_spread(spark: SparkSession) -> None:
    frame = silver(spark, [event(n) for n in range(100)])
    one, two = (sample(frame.repartition(n), most=20, seed=7) for n in (1, 5))
    assert one.events.equals(two.events)
    assert (one.events.num_rows, one.rows) == (20, 100)
    assert not one.events.equals(sample(frame, most=20, seed=8).events)


ASSETS = reference_contract("assets")


def judged_assets(spark: SparkSession, *rows: tuple[str, int | None]) -> GateResult:
    """A hundred good assets, and these."""
    good = [(f"N{number}", 1999) for number in range(100)]
    shown = [(name, "BOEING", "737", year, 100) for name, year in (*good, *rows)]
    frame = spark.createDataFrame(shown, spark_schema(ASSETS))
    return Gate.of("reference/assets", ASSETS).evaluate(frame, DAY, GateContext(now=NEXT))


def test_a_reference_table_that_keeps_its_contract_passes_every_rule(spark: SparkSession) -> None:
    found = judged_assets(spark)
    assert {outcome.state for outcome in found.outcomes} == {"passed"}
    assert (found.verdict, found.rows) == ("promoted", 100)


def test_an_asset_that_is_there_twice_keeps_the_day_back(spark: SparkSession) -> None:
    found = judged_assets(spark, ("N1", 2000))
    assert ([o.rule for o in found.stopped_by], found.verdict) == (["reference_id_is_unique"], "quarantined")


def test_years_that_the_registry_lacks_are_a_warning(spark: SparkSession) -> None:
    found = judged_assets(spark, *((f"M{number}", None) for number in range(10)))
    assert ([o.rule for o in found.warnings], found.verdict) == (["year_nulls"], "promoted")
