"""The contract's rules, used to refuse traces that break them and to generate malformed events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

from pipeline.contract.derive import event_contract, rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The contract's requirements on one field; None means no limit."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # an unknown requirement is an error

    name: str
    type: Literal["string", "double", "long", "strings"]
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


@cache
def contract_rules() -> tuple[Rule, ...]:
    """One rule per field, in the contract's order."""
    return tuple(TypeAdapter(Rule).validate_python(rule) for rule in rules(event_contract()))
