"""The contract of events as the oracle reads it: from its YAML, by none of the pipeline's code.

Stream, lake and plan all rest on the pipeline's own reading (pipeline/contract/derive.py). A rule that
got lost there would be lost to all of them at once; this reading would still have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the contract demands of one field of the JSON; None sets no limit."""

    name: str
    type: str
    """``string``, ``double``, ``long`` or ``strings``."""
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


_TYPES: Final = {"string": "string", "number": "double", "integer": "long", "object": "strings"}
_LIMITS: Final = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minimum": "minimum",
    "maximum": "maximum",
}


@cache
def contract_rules() -> tuple[Rule, ...]:
    """One rule a field, in the contract's order."""
    return rules_of((resources.files("pipeline.contract") / "event.odcs.yaml").read_bytes())


def rules_of(text: bytes) -> tuple[Rule, ...]:
    """The rules of a contract's text. Raises KeyError for a type or a limit that the oracle does not know."""
    (table,) = yaml.load(text, Loader=yaml.CSafeLoader)["schema"]
    return tuple(_rule(field) for field in table["properties"] if _is_in_value(field))


def _is_in_value(field: dict[str, Any]) -> bool:
    parts = [
        custom["value"] for custom in field.get("customProperties", ()) if custom["property"] == "recordPart"
    ]
    return parts in ([], ["value"])


def _rule(field: dict[str, Any]) -> Rule:
    limits = {_LIMITS[name]: limit for name, limit in field.get("logicalTypeOptions", {}).items()}
    return Rule(
        name=field["name"],
        type=_TYPES[field["logicalType"]],
        required=field.get("required", False),
        **limits,
    )
