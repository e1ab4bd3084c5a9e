"""Contracts of events with changes, made quickly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import yaml

from pipeline.contract.derive import event_contract
from pipeline.contract.odcs import DataContract, dumps

Change = Callable[[dict[str, Any]], None]
_SHIPPED: Final[dict[str, Any]] = yaml.safe_load(dumps(event_contract()))


def events(version: str = "1.1.0", *changes: Change) -> DataContract:
    """The shipped contract as another version, with changes to it."""
    raw = copy.deepcopy(_SHIPPED)
    raw["version"] = version
    for change in changes:
        change(raw)
    return DataContract.model_validate(raw)


def fields(raw: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = raw["schema"][0]["properties"]
    return found


def field(raw: dict[str, Any], name: str) -> dict[str, Any]:
    return next(f for f in fields(raw) if f["name"] == name)


def adding(name: str, physical: str = "double", **more: object) -> Change:
    logical = {"double": "number", "int64": "integer", "string": "string"}[physical]
    new = {"name": name, "logicalType": logical, "physicalType": physical, "description": "New.", **more}
    return lambda raw: fields(raw).append(copy.deepcopy(new))


def setting(name: str, **values: object) -> Change:
    return lambda raw: field(raw, name).update(values)


def removing(name: str) -> Change:
    return lambda raw: fields(raw).remove(field(raw, name))
