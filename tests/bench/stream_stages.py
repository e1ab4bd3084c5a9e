"""The stages of the stream job, each adding to the one before, derived from the product's own job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.contract.topics import EVENTS, EVENTS_DEAD_LETTER
from pipeline.stream.render import SOURCE_GROUP, JobDefinition, kafka_properties

_BLACKHOLE: Final = "WITH ('connector' = 'blackhole')"
_TARGET: Final = re.compile(r"^INSERT INTO (\w+)")
_CREATED: Final = re.compile(r"^CREATE TABLE (\w+)")
_OPTIONS: Final = re.compile(r"WITH \(.*?^\)", re.DOTALL | re.MULTILINE)
_METADATA: Final = re.compile(r" METADATA(?: FROM '\w+')?")

# Types of the views' columns, in the order of pipeline/stream/sql/flow.sql. Flink refuses a job that differs.
_RECORDS: Final = "original BYTES"
_JUDGED: Final = "source_partition INT"
_CONTRACT: Final = (
    "event_id STRING, entity_id STRING, category STRING, `value` DOUBLE, original BYTES, original_key BYTES,"
    " event_time TIMESTAMP_LTZ(3), source_partition INT, source_offset BIGINT, rejection STRING,"
    " late BOOLEAN, closes TIMESTAMP_LTZ(3)"
)
_DEDUPLICATED: Final = (
    "event_id STRING, entity_id STRING, category STRING, `value` DOUBLE, event_time TIMESTAMP_LTZ(3),"
    " original BYTES, late BOOLEAN, closes TIMESTAMP_LTZ(3)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One job, and what it does that the job before it did not."""

    name: str
    adds: str
    job: JobDefinition


def stages(product: JobDefinition, kafka: KafkaEndpoint) -> tuple[Stage, ...]:
    """The stages of this job, which must be a bounded one. The last is the job itself."""
    product = _ending_at_a_failure(product)
    silent = without_sinks(product)
    # The connector judges a record whatever is asked of it: only another one can tell what reading takes.
    read = replace(product, tables=(_records_table(kafka), _blackhole("bench_records", _RECORDS)))
    return (
        Stage(
            name="read",
            adds="Kafka's own connector, each record as bytes",
            job=replace(read, inserts=("INSERT INTO bench_records SELECT original FROM bench_source",)),
        ),
        Stage(
            name="judge",
            adds="the pipeline's connector, nothing asked of it: each record judged, late ones marked",
            job=_into(silent, "bench_judged", _JUDGED, "SELECT source_partition FROM judged_records"),
        ),
        Stage(
            name="contract",
            adds="all columns of judged_records",
            job=_into(silent, "bench_contract", _CONTRACT, "SELECT * FROM judged_records"),
        ),
        Stage(
            name="deduplicate",
            adds="rejected records told from valid ones, and these deduplicated",
            job=_into(
                silent,
                "bench_deduplicated",
                _DEDUPLICATED,
                "SELECT * FROM deduplicated_events",
                beside=(_insert_into(silent, EVENTS_DEAD_LETTER),),
            ),
        ),
        Stage(name="windows", adds="late events, and windows of all three kinds", job=silent),
        Stage(name="sinks", adds="Kafka in place of black holes: the product's own job", job=product),
    )


def without_sinks(product: JobDefinition) -> JobDefinition:
    """The same job, its results thrown away: each table that it inserts into becomes a black hole."""
    targets = {_name(_TARGET, insert) for insert in product.inserts}
    tables = tuple(
        _as_blackhole(table) if _name(_CREATED, table) in targets else table for table in product.tables
    )
    return replace(product, tables=tables)


def _as_blackhole(table: str) -> str:
    # A black hole takes no metadata; as ordinary columns these keep their places.
    return _OPTIONS.sub(_BLACKHOLE, _METADATA.sub("", table), count=1)


def _ending_at_a_failure(product: JobDefinition) -> JobDefinition:
    """A job that started over would have done some of its work twice: there is nothing to learn from it."""
    return replace(product, configuration={**product.configuration, "restart-strategy.type": "none"})


def _into(
    job: JobDefinition, table: str, columns: str, query: str, *, beside: tuple[str, ...] = ()
) -> JobDefinition:
    """The job's tables and views with one more, into which the query goes; ``beside`` are other inserts."""
    inserts = (*beside, f"INSERT INTO {table} {query}")
    return replace(job, tables=(*job.tables, _blackhole(table, columns)), inserts=inserts)


def _blackhole(table: str, columns: str) -> str:
    return f"CREATE TABLE {table} ({columns}) {_BLACKHOLE}"


def _records_table(kafka: KafkaEndpoint) -> str:
    options: Mapping[str, str] = {
        "connector": "kafka",
        "topic": EVENTS,
        "format": "raw",
        "scan.startup.mode": "earliest-offset",
        "scan.bounded.mode": "latest-offset",
        "properties.group.id": SOURCE_GROUP,
        "properties.isolation.level": "read_committed",
        **kafka_properties(kafka),
    }
    written = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())
    return f"CREATE TABLE bench_source ({_RECORDS}) WITH ({written})"


def _insert_into(job: JobDefinition, table: str) -> str:
    return next(insert for insert in job.inserts if _name(_TARGET, insert) == table)


def _name(pattern: re.Pattern[str], statement: str) -> str | None:
    found = pattern.match(statement)
    return found[1] if found else None
