"""Silver on a real session: the stream's reasons, one row an identity, and nothing lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipeline.contract.derive import event_contract
from pipeline.contract.odcs import DataContract
from pipeline.days.layers.bronze import SCHEMA
from pipeline.days.layers.contract_judge import judge_of
from pipeline.days.layers.silver import Silver, silver
from tests.core.contract_reasons import FIELDS, reason
from tests.engines.pipeline_parts import event

# Py4J closes its connections when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOT_UTF8 = [event("x", category="@").replace(b"@", bad) for bad in (b"\xc1\x81", b"\xed\xa0\x80", b"\xff")]
scalars = st.none() | st.booleans() | st.integers(-1, 2**64) | st.floats() | st.text(max_size=3)
values = scalars | st.dictionaries(st.text(max_size=2), scalars, max_size=2) | st.lists(scalars, max_size=2)
pairs = st.tuples(st.sampled_from([*FIELDS, "other"]), values)
Cut = tuple[int, int, bytes]
damage = st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=2))


def written(
    extra: Sequence[tuple[str, Any]], cuts: Sequence[tuple[int, int, bytes]], *, ascii: bool
) -> bytes:
    """A valid event with members put behind its own, and then bytes replaced."""
    members = "".join(f", {json.dumps(k)}: {json.dumps(v, ensure_ascii=ascii)}" for k, v in extra)
    document = bytearray(event("x", attributes={"a": "é"})[:-1] + members.encode(errors="replace") + b"}")
    for start, length, instead in cuts:
        document[start : start + length] = instead
    return bytes(document)


documents = st.builds(written, st.lists(pairs, max_size=3), st.lists(damage, max_size=2), ascii=st.booleans())


def reasons(spark: SparkSession, payloads: Sequence[bytes]) -> list[str | None]:
    judge = judge_of(spark, event_contract())
    frame = spark.createDataFrame([(i, p) for i, p in enumerate(payloads)], "i INT, value BINARY")
    rows = frame.select("i", judge(F.col("value"))["reason"].alias("reason")).collect()
    return [row.reason for row in sorted(rows)]


def of(
    spark: SparkSession,
    *rows: tuple[str, str, int | None, int, bytes],
    contract: DataContract | None = None,
    duplicates: Literal["drop", "keep"] = "drop",
) -> Silver:
    """Silver of Bronze rows, given by source, name, partition, position and value."""
    bronze = spark.createDataFrame([(DAY, *row[:4], "k", row[4], NOON) for row in rows], SCHEMA)
    categories = spark.createDataFrame([("c", "Sea"), ("c", "Sea")], "category STRING, name STRING")
    assets = spark.createDataFrame([("N1", "B")], "reference_id STRING, manufacturer STRING")
    references = {"categories": categories, "assets": assets}
    return silver(bronze, references, contract or event_contract(), duplicates=duplicates)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(documents, min_size=60, max_size=120))
def test_the_reasons_are_those_of_an_independent_reading(spark: SparkSession, payloads: list[bytes]) -> None:
    found = reasons(spark, payloads)
    assert dict(zip(payloads, found, strict=True)) == {payload: reason(payload) for payload in payloads}


@pytest.mark.parametrize("payload", NOT_UTF8)
def test_what_is_nearly_utf8_is_not_json(spark: SparkSession, payload: bytes) -> None:
    assert reasons(spark, [payload]) == ["not_json"]


def test_a_value_that_is_not_there_is_not_json(spark: SparkSession) -> None:
    assert spark.sql("SELECT 1").select(
        judge_of(spark, event_contract())(F.lit(None).cast("binary"))["reason"]
    ).collect() == [("not_json",)]


def test_each_kept_row_is_typed_and_refers(spark: SparkSession) -> None:
    kept = event("a", value=1, quantity=2, reference_id="N1", attributes={"é": "ü"})
    (row,) = of(spark, ("kafka", "events", 3, 7, kept)).accepted.collect()
    assert row.asDict() == {
        "event_date": DAY,
        **{"event_id": "a", "event_type": "seen", "entity_id": "e", "category": "c", "reference_id": "N1"},
        **{"value": 1.0, "quantity": 2, "attributes": {"é": "ü"}, "event_time": row.event_time},
        **{"category_name": "Sea", "reference_known": True},
        **{"source": "kafka", "source_name": "events", "source_partition": 3, "source_position": 7},
    }


@pytest.mark.parametrize(("reference", "known"), [("N1", True), ("N2", False), (None, None)])
def test_a_reference_is_known_unknown_or_none(
    spark: SparkSession, reference: str | None, known: bool | None
) -> None:
    made = of(spark, ("kafka", "events", 0, 0, event("a", category="d", reference_id=reference)))
    assert [(r.category_name, r.reference_known) for r in made.accepted.collect()] == [(None, known)]


def test_the_first_copy_stays_kafkas_before_a_partners(spark: SparkSession) -> None:
    copy = event("a")
    made = of(
        spark,
        ("partner", "a.csv", None, 0, copy),
        ("kafka", "events", 2, 5, copy),
        ("kafka", "events", 1, 9, event("a", value=3.0)),
        ("kafka", "events", 1, 8, b"{"),
        ("kafka", "events", 1, 7, b"{"),
    )
    assert [(r.source_partition, r.source_position, r.value) for r in made.accepted.collect()] == [
        (1, 9, 3.0)
    ]
    rejected = {
        (r.source, r.source_position, r.reason, r.key, bytes(r.value)) for r in made.rejects.collect()
    }
    assert rejected == {
        ("partner", 0, "duplicate_identity", "k", copy),
        ("kafka", 5, "duplicate_identity", "k", copy),
        ("kafka", 8, "not_json", "k", b"{"),
        ("kafka", 7, "not_json", "k", b"{"),
    }


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12), st.sampled_from(["drop", "keep"]))
def test_every_bronze_row_is_accepted_or_rejected_once(
    spark: SparkSession, ids: list[str], duplicates: Literal["drop", "keep"]
) -> None:
    rows = [("kafka", "events", 0, i, event(name)) for i, name in enumerate(ids)]
    made = of(spark, *rows, duplicates=duplicates)
    accepted, rejected = made.accepted.collect(), made.rejects.collect()
    assert sorted(r.source_position for r in accepted + rejected) == list(range(len(ids)))
    once = {name: 1 for name in ids if name}
    assert Counter(r.event_id for r in accepted) == (
        once if duplicates == "drop" else Counter(name for name in ids if name)
    )


def test_a_field_that_a_newer_version_adds_becomes_a_column(spark: SparkSession) -> None:
    contract = event_contract()
    gate = contract.properties[4].model_copy(update={"name": "gate", "relationships": (), "quality": ()})
    table = contract.objects[0].model_copy(update={"properties": (*contract.properties, gate)})
    newer = contract.model_copy(update={"objects": (table,)})
    rows = [("kafka", "events", 0, 0, event("a", gate="A7")), ("kafka", "events", 0, 1, event("b", gate=7))]
    made = of(spark, *rows, contract=newer)
    assert [(r.event_id, r.gate) for r in made.accepted.collect()] == [("a", "A7")]
    assert [r.reason for r in made.rejects.collect()] == ["type:gate"]
