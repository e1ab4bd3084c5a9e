"""The event contract, read from its YAML independently of the pipeline's code.

Stream, lake and plan all depend on the pipeline's own reader (pipeline/contract/derive.py). A rule lost there
would be lost in all of them at once, but not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The contract's rule for one field of the JSON; None means no limit."""

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
    """Return one rule per field, in the contract's order."""
    return rules_of((resources.files("pipeline.contract") / "event.odcs.yaml").read_bytes())


def rules_of(text: bytes) -> tuple[Rule, ...]:
    """Parse a contract's rules. Raises KeyError for a type or limit unknown to the oracle."""
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
