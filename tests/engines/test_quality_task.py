"""A day's report as the lake makes it: from its tasks' records, and from Silver."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.layers.pipeline_jars import with_lake_jar
from harness.scenario.topology import RoleSpec
from harness.services.protocol import Jvm
from harness.services.spark import own_session
from pipeline.base.errors import Archived
from pipeline.base.options import LakeOptions
from pipeline.contract.derive import event_contract
from pipeline.days.landing.reference import load_reference
from pipeline.days.scan import scan, scan_day
from pipeline.days.spark.spark_session import spark_session
from pipeline.days.tables.delta_tables import BRONZE_EVENTS, SILVER_EVENTS, Table
from pipeline.days.tables.publish import publish
from pipeline.days.tasks.context import REFERENCES, Context
from pipeline.days.tasks.day_tasks import context_of
from pipeline.days.tasks.quality_task import quality_of
from pipeline.days.tasks.silver_task import silver_of
from pipeline.days.tasks.task import Outcome, Output, TaskRecord, TaskResult
from pipeline.lifecycle.archive_record import ArchiveRecord
from pipeline.quality.day_report import from_json
from pipeline.quality.gate import Gate
from pipeline.quality.measures import GateContext
from pipeline.quality.result import RefusedFile
from pipeline.quality.stored import fetch, folder_of
from pipeline.quality.trees import Trees
from tests.engines.kafka_platform import MIB, platform_of
from tests.only_writer import OnlyWriter

# pyspark never closes the socket of a collect(), nor the pipe of a driver that did not start.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed (file )?<:ResourceWarning")

NOW = datetime(2013, 6, 1, tzinfo=UTC)
GOOD, BAD, EMPTY = date(2013, 2, 9), date(2013, 2, 10), date(2013, 5, 1)
EVENTS = 300
GATE = Gate.of("silver/events", event_contract(), "skip")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    store = {"node": RoleSpec(count=1, memory=128 * MIB)}
    home = ensure(["spark"], report=lambda _: None).home("spark")
    with platform_of(tmp_path_factory.mktemp("quality"), object_store=store) as platform:
        own = own_session(home=home, jvm=Jvm(java=find_java(), jit="c1"))
        endpoints = with_lake_jar(platform.endpoints.adding(own), report=lambda _: None)
        with spark_session(endpoints, name="quality") as spark:
            found = context_of(spark, endpoints, LakeOptions(), holder="test", now=lambda: NOW)
            found.objects.create_bucket()
            yield found


def recorded(context: Context, task: str, day: date, outcome: Outcome, **result: object) -> None:
    context.records.add(
        TaskRecord(
            task=task,
            day=day,
            number=0,
            began_at=NOW,
            ended_at=NOW,
            cpu_s=0,
            result=TaskResult.model_validate({"outcome": outcome, **result}),
        )
    )


def silver(context: Context, day: date, table: Table, outcome: Outcome) -> None:
    """A day of Silver, of which one value is far off, and what its tasks recorded."""
    start = f"TIMESTAMP '{day} 00:00:00'"
    rows = context.spark.range(EVENTS).selectExpr(
        f"DATE '{day}' AS event_date",
        "concat('e', id) AS event_id",
        f"{start} + make_dt_interval(0, 0, 0, id * 60) AS event_time",
        "'departed' AS event_type",
        "'UA' AS category",
        "IF(id = 7, 9999.0D, CAST(id % 11 AS DOUBLE)) AS value",
        "1000 + id % 5 AS quantity",
    )
    done = publish(rows, context.uri(table), day, table.partition_columns, fence=OnlyWriter())
    output = Output(
        table=table.name, version=done.version, rows=done.rows, files=done.files, bytes=done.bytes
    )
    gates = (GATE.evaluate(rows, day, GateContext(now=NOW)),)
    refused = (RefusedFile(key="landing/partners/acme/a.csv", reason="no header"),)
    recorded(context, "bronze", day, "promoted", refused_files=refused)
    recorded(context, "silver", day, outcome, outputs=(output,), gates=gates, counts={"rejected:not_json": 3})
    recorded(context, "gold", day, "promoted" if outcome == "promoted" else "held_back")


def test_a_promoted_days_report_has_all_that_is_known_of_it(context: Context) -> None:
    silver(context, GOOD, SILVER_EVENTS, "promoted")
    recorded(context, "silver", GOOD - timedelta(days=1), "promoted", outputs=_rows(280))
    quality_of(context, GOOD)
    found = from_json(fetch(GOOD, context.objects).report)
    assert found.rejects == {"not_json": 3}
    assert found.daily_rows == {GOOD - timedelta(days=1): 280, GOOD: EVENTS}
    assert [file.reason for file in found.refused_files] == ["no header"]
    assert [(of.field, of.outliers) for of in found.outliers] == [("value", 1), ("quantity", 0)]
    assert found.forest is not None
    assert [event.event_id for event in found.forest.worst][:1] == ["e7"]
    assert [gate.layer for gate in found.gates] == ["silver"]


def test_a_report_that_is_made_again_is_the_same(context: Context) -> None:
    silver(context, GOOD, SILVER_EVENTS, "promoted")
    kept = []
    for _ in range(2):
        quality_of(context, GOOD)
        kept.append({key: context.objects.get(key) for key in context.objects.list(folder_of(GOOD))})
    assert kept[0] == kept[1]
    assert Trees.read(kept[0][f"{folder_of(GOOD)}forest.parquet"]).nodes.num_rows > 0


def test_a_day_in_quarantine_is_looked_at_there(context: Context) -> None:
    silver(context, BAD, SILVER_EVENTS.quarantine, "quarantined")
    done = quality_of(context, BAD)
    assert [read.name for read in done.inputs] == ["quarantine/silver/events"]
    found = from_json(fetch(BAD, context.objects).report)
    assert found.outliers[0].outliers == 1


def test_a_day_that_came_no_further_than_bronze_has_a_report_without_statistics(context: Context) -> None:
    for task, outcome in {"bronze": "quarantined", "silver": "held_back", "gold": "held_back"}.items():
        recorded(context, task, EMPTY, outcome)  # type: ignore[arg-type]
    quality_of(context, EMPTY)
    found = from_json(fetch(EMPTY, context.objects).report)
    assert (found.outliers, found.forest, found.daily_rows) == ((), None, {})


def test_a_day_that_left_its_table_is_not_taken_for_an_empty_one(context: Context) -> None:
    day = date(2013, 1, 1)
    recorded(context, "bronze", day, "promoted", outputs=_rows(5, "bronze/events"))
    name, policy = f"bronze/events/{day}", context.stores.policy
    piece = ArchiveRecord(id="0", name=name, day=day, archived_at=NOW, objects=())
    context.objects.put(piece.record_key(policy), piece.model_dump_json().encode())
    with pytest.raises(Archived, match=name):
        silver_of(context, day)


def test_a_query_of_a_day_is_measured_against_what_a_full_scan_reads(context: Context) -> None:
    days = date(2013, 3, 20), date(2013, 3, 21)
    for day in days:
        silver(context, day, SILVER_EVENTS, "promoted")
    found = scan_day(context, days[0])
    every = scan(context.spark.read.format("delta").load(context.uri(SILVER_EVENTS)))
    assert found is not None
    assert (found.files_read, found.files_all, found.bytes_all) == (1, every.files, every.bytes)
    assert 0 < found.bytes_read < found.bytes_all
    assert scan_day(context, EMPTY) is None


def test_the_reference_tables_are_held_to_their_own_contracts(context: Context) -> None:
    day, snapshots = date(2013, 3, 1), {"categories": b"category,name\nUA,United\n"}
    snapshots["assets"] = b"reference_id,manufacturer,model,year,seats\nN1,B,737,,100\nN2,B,737,2000,100\n"
    for table, contract in REFERENCES.items():
        context.objects.put(f"landing/reference/{contract.name}/1.csv", snapshots[contract.name])
        load_reference(context.spark, context.objects, context.uri(table), contract, fence=OnlyWriter())
    more = '"event_type": "t", "entity_id": "e", "category": "UA"'
    bronze = context.spark.range(EVENTS).selectExpr(
        f"DATE '{day}' AS event_date",
        "'kafka' AS source",
        "'events' AS source_name",
        "0 AS source_partition",
        "id AS source_position",
        "'k' AS key",
        f"""CAST(concat('{{"event_id": "', id, '", {more}}}') AS BINARY) AS value""",
        f"TIMESTAMP '{day} 00:00:00' AS event_time",
    )
    done = publish(
        bronze, context.uri(BRONZE_EVENTS), day, BRONZE_EVENTS.partition_columns, fence=OnlyWriter()
    )
    written = Output(table="bronze/events", version=done.version, rows=done.rows, files=1, bytes=1)
    recorded(context, "bronze", day, "promoted", outputs=(written,))
    gates = {gate.table: gate for gate in silver_of(context, day).gates}
    assert list(gates) == ["silver/events", "reference/categories", "reference/assets"]
    assert [rule.rule for rule in gates["reference/assets"].warnings] == ["year_nulls"]
    assert not gates["reference/categories"].warnings


def _rows(rows: int, table: str = "silver/events") -> tuple[Output, ...]:
    return (Output(table=table, version=0, rows=rows, files=1, bytes=1),)
