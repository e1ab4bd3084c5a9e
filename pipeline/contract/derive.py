"""Derives from a contract the validation rules and the columns of every engine's tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from pipeline.base.errors import ContractError
from pipeline.contract.odcs import DataContract, Property, load


@dataclass(frozen=True, slots=True, kw_only=True)
class _Types:
    """The name of one type in every engine."""

    rule: str
    flink: str
    cassandra: str
    spark: str


_TYPES: Final = {
    ("string", "string"): _Types(rule="string", flink="STRING", cassandra="text", spark="STRING"),
    ("number", "double"): _Types(rule="double", flink="DOUBLE", cassandra="double", spark="DOUBLE"),
    ("integer", "int64"): _Types(rule="long", flink="BIGINT", cassandra="bigint", spark="BIGINT"),
    ("object", "map<string, string>"): _Types(
        rule="strings",
        flink="MAP<STRING, STRING>",
        cassandra="frozen<map<text, text>>",
        spark="MAP<STRING, STRING>",
    ),
    ("timestamp", "record timestamp"): _Types(
        rule="", flink="TIMESTAMP_LTZ(3)", cassandra="timestamp", spark="TIMESTAMP"
    ),
}


def event_contract() -> DataContract:
    """Return the event contract that this pipeline ships with."""
    return as_event_contract(_shipped("event"))


def reference_contract(table: Literal["categories", "assets"]) -> DataContract:
    """Return the contract of a reference table that this pipeline ships with."""
    return _shipped(table)


def as_event_contract(contract: DataContract) -> DataContract:
    """Return the contract unchanged. Raises ContractError if its rows cannot be Kafka records."""
    keys = [field.name for field in contract.properties if field.partitioned]
    if len(keys) != 1:
        raise ContractError(
            f"{contract.name}: exactly one property is the record's key (partitioned: true), found {keys}"
        )
    times = [field.name for field in contract.properties if field.record_part == "timestamp"]
    if times != ["event_time"]:
        raise ContractError(
            f"{contract.name}: event_time alone has recordPart: timestamp, found {times or 'no field'}"
        )
    return contract


def _shipped(file: str) -> DataContract:
    with resources.as_file(resources.files("pipeline.contract") / f"{file}.odcs.yaml") as path:
        return load(Path(path))


def _types(field: Property) -> _Types:
    try:
        return _TYPES[field.logical_type, field.physical_type]
    except KeyError:
        raise ContractError(
            f"{field.name}: no engine has a type for {field.logical_type} as {field.physical_type}"
        ) from None


def value_fields(contract: DataContract) -> tuple[Property, ...]:
    """Return the fields of an event's JSON value, in the contract's order."""
    return tuple(field for field in contract.properties if field.record_part == "value")


def rules(contract: DataContract) -> tuple[dict[str, object], ...]:
    """Return the validation rules, one mapping per field, in the contract's order; absent keys set no limit.

    Keys: ``name``, ``type`` (string, double, long or strings), ``required``, ``min_length``, ``max_length``
    (in code points), ``pattern`` (matches the whole text), ``minimum``, ``maximum``.
    """
    return tuple(
        {
            "name": field.name,
            "type": _types(field).rule,
            "required": field.required,
            **field.logical_type_options.model_dump(exclude_none=True),
        }
        for field in value_fields(contract)
    )


def rules_json(contract: DataContract) -> str:
    """Return ``rules`` as JSON, as the stream job's connector expects them."""
    return json.dumps(rules(contract), separators=(",", ":"))


def flink_columns(contract: DataContract) -> str:
    """Return the columns of an event's JSON value for CREATE TABLE in Flink SQL."""
    return ",\n".join(f"    `{field.name}` {_types(field).flink}" for field in value_fields(contract))


def cassandra_columns(contract: DataContract) -> tuple[tuple[str, str], ...]:
    """Return name and CQL type of every field, including the record's timestamp."""
    return tuple((field.name, _types(field).cassandra) for field in contract.properties)


def spark_columns(contract: DataContract) -> tuple[tuple[str, str], ...]:
    """Return name and Spark type of every field, including the record's timestamp."""
    return tuple((field.name, _types(field).spark) for field in contract.properties)


def spark_schema(contract: DataContract) -> str:
    """Return ``spark_columns`` as a Spark schema string. All are nullable, as Spark requires for JSON."""
    return ", ".join(f"`{name}` {kind}" for name, kind in spark_columns(contract))


def reasons(contract: DataContract) -> frozenset[str]:
    """Return every reason to reject a record, except ``duplicate:`` of fields that the contract lacks."""
    found = {"not_json", "not_object"}
    for field in value_fields(contract):
        options = field.logical_type_options
        kinds = {
            "missing": field.required,
            "type": True,
            "duplicate": True,
            "length": options.min_length is not None or options.max_length is not None,
            "pattern": options.pattern is not None,
            "range": field.logical_type in ("number", "integer"),
        }
        found |= {f"{kind}:{field.name}" for kind, possible in kinds.items() if possible}
    return frozenset(found)
