"""The contract's rules, to refuse a trace that breaks them, and to break them on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the contract demands of one field."""

    name: str
    type: Literal["string", "double", "long", "strings"]
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


_RULES: Final = (
    Rule(name="event_id", type="string", required=True, min_length=1, max_length=128),
    Rule(name="event_type", type="string", required=True, pattern="[a-z][a-z0-9_]{0,63}"),
    Rule(name="entity_id", type="string", required=True, min_length=1, max_length=128),
    Rule(name="category", type="string", required=True, min_length=1, max_length=64),
    Rule(name="reference_id", type="string", min_length=1, max_length=128),
    Rule(name="value", type="double"),
    Rule(name="quantity", type="long", minimum=0),
    Rule(name="attributes", type="strings"),
)


def contract_rules() -> tuple[Rule, ...]:
    """One rule a field, in the contract's order."""
    return _RULES
