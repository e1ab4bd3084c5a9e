"""The event contract, and what is derived from it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.base.errors import ContractError
from pipeline.contract.derive import (
    as_event_contract,
    cassandra_columns,
    event_contract,
    flink_columns,
    reasons,
    reference_contract,
    rules,
    spark_columns,
    spark_schema,
    value_fields,
)
from pipeline.contract.odcs import dumps, load, loads
from pipeline.contract.topics import DeadLetter

FIELDS = [
    "event_id",
    "event_type",
    "entity_id",
    "category",
    "reference_id",
    "value",
    "quantity",
    "attributes",
]


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """The shipped contract with a change, as a file."""

    def alter(change: Callable[[dict[str, Any]], None]) -> Path:
        contract = yaml.safe_load((resources.files("pipeline.contract") / "event.odcs.yaml").read_text())
        change(contract)
        file = tmp_path / "altered.odcs.yaml"
        file.write_text(yaml.safe_dump(contract))
        return file

    return alter


def field(contract: dict[str, Any], name: str) -> dict[str, Any]:
    return next(f for f in contract["schema"][0]["properties"] if f["name"] == name)


def test_identity_is_event_id_and_event_time() -> None:
    assert event_contract().identity == ("event_id", "event_time")


def test_event_time_is_not_in_the_json() -> None:
    assert [f.name for f in value_fields(event_contract())] == FIELDS


def test_rules_follow_the_contract_in_its_order() -> None:
    assert rules(event_contract()) == (
        {"name": "event_id", "type": "string", "required": True, "min_length": 1, "max_length": 128},
        {"name": "event_type", "type": "string", "required": True, "pattern": "^[a-z][a-z0-9_]*$"},
        {"name": "entity_id", "type": "string", "required": True, "min_length": 1, "max_length": 128},
        {"name": "category", "type": "string", "required": True},
        {"name": "reference_id", "type": "string", "required": False},
        {"name": "value", "type": "double", "required": False},
        {"name": "quantity", "type": "long", "required": False, "minimum": 0},
        {"name": "attributes", "type": "strings", "required": False},
    )


def test_flink_has_a_column_for_every_field_of_the_json() -> None:
    declared = [line.split("`")[1] for line in flink_columns(event_contract()).splitlines()]
    assert declared == FIELDS


def test_cassandra_has_a_column_for_every_field() -> None:
    assert dict(cassandra_columns(event_contract())) == {
        **dict.fromkeys(("event_id", "event_type", "entity_id", "category", "reference_id"), "text"),
        "value": "double",
        "quantity": "bigint",
        "attributes": "frozen<map<text, text>>",
        "event_time": "timestamp",
    }


def test_a_new_field_reaches_every_engine(altered: Callable[..., Path]) -> None:
    new = {"name": "weight", "logicalType": "number", "physicalType": "double", "description": "In kg."}
    contract = load(altered(lambda c: c["schema"][0]["properties"].append(new)))
    assert rules(contract)[-1] == {"name": "weight", "type": "double", "required": False}
    assert "`weight` DOUBLE" in flink_columns(contract)
    assert ("weight", "double") in cassandra_columns(contract)
    assert ("weight", "DOUBLE") in spark_columns(contract)


def test_a_rule_that_nothing_enforces_is_refused(altered: Callable[..., Path]) -> None:
    file = altered(lambda c: field(c, "value").update(logicalTypeOptions={"multipleOf": 2}))
    with pytest.raises(ContractError, match="multipleOf"):
        load(file)


def test_a_type_that_no_engine_has_is_refused(altered: Callable[..., Path]) -> None:
    contract = load(altered(lambda c: field(c, "value").update(physicalType="decimal")))
    with pytest.raises(ContractError, match="value: no engine has a type for number as decimal"):
        rules(contract)


def test_events_have_one_record_key(altered: Callable[..., Path]) -> None:
    contract = load(altered(lambda c: field(c, "category").update(partitioned=True)))
    with pytest.raises(ContractError, match="exactly one property is the record's key"):
        as_event_contract(contract)


def test_events_have_the_records_time(altered: Callable[..., Path]) -> None:
    contract = load(altered(lambda c: field(c, "event_time").pop("customProperties")))
    with pytest.raises(ContractError, match="event_time alone has recordPart: timestamp"):
        as_event_contract(contract)


def test_a_field_has_a_name_of_its_own(altered: Callable[..., Path]) -> None:
    with pytest.raises(ContractError, match="found twice: \\['value'\\]"):
        load(altered(lambda c: field(c, "quantity").update(name="value")))


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.01.0"])
def test_a_version_is_three_numbers(altered: Callable[..., Path], version: str) -> None:
    with pytest.raises(ContractError, match="version"):
        load(altered(lambda c: c.update(version=version)))


def test_a_contract_that_is_written_is_read_as_the_same() -> None:
    assert loads(dumps(event_contract()), "written") == event_contract()


def test_what_we_do_not_read_of_a_contract_is_written_again() -> None:
    assert yaml.safe_load(dumps(event_contract()))["description"]["purpose"].startswith(
        "Things that happened"
    )


def test_spark_has_a_column_for_every_field() -> None:
    assert spark_schema(event_contract()) == (
        "`event_id` STRING, `event_type` STRING, `entity_id` STRING, `category` STRING, "
        "`reference_id` STRING, `value` DOUBLE, `quantity` BIGINT, "
        "`attributes` MAP<STRING, STRING>, `event_time` TIMESTAMP"
    )


def test_reference_tables_are_known_by_what_events_refer_to() -> None:
    targets = {r.to for f in event_contract().properties for r in f.relationships}
    assert targets == {
        f"{table.name}.{table.identity[0]}" for table in map(reference_contract, ("categories", "assets"))
    }


def test_a_file_that_is_not_yaml_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(ContractError, match=r"broken\.yaml"):
        load(tmp_path / "broken.yaml")


@pytest.mark.parametrize(("name", "value", "unit"), [("latency", 5, "m"), ("completeness", 100, "percent")])
def test_freshness_and_completeness_are_agreed(name: str, value: float, unit: str) -> None:
    levels = {level.property: (level.value, level.unit) for level in event_contract().service_levels}
    assert levels[name] == (value, unit)


@pytest.mark.parametrize(
    "reason", ["not_json", "missing:event_id", "type:value", "pattern:event_type", "range:quantity"]
)
def test_reasons_name_the_rule_and_the_field(reason: str) -> None:
    assert reason in reasons(event_contract())


def test_a_field_that_may_be_absent_is_never_missing() -> None:
    assert "missing:value" not in reasons(event_contract())


def test_a_dead_letter_is_read_from_its_headers() -> None:
    headers = [
        *(("reason", b"not_json"), ("source_topic", b"events")),
        *(("source_partition", b"3"), ("source_offset", b"17")),
    ]
    assert DeadLetter.from_headers(headers) == DeadLetter(
        reason="not_json", source_topic="events", source_partition=3, source_offset=17
    )


def test_headers_of_something_else_are_refused() -> None:
    with pytest.raises(ContractError, match="not the headers of a dead letter"):
        DeadLetter.from_headers([("reason", b"not_json")])
