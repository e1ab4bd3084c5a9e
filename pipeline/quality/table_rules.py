"""The rules that each table of the lake has to satisfy.

Silver and the reference tables have the rules of their contracts. Bronze has those that need none of the
contract's fields. Gold has rules about its own shape, because whatever it sums was checked in Silver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pipeline.base.errors import ContractError
from pipeline.contract.odcs import DataContract
from pipeline.contract.quality import (
    NONE,
    AnyRule,
    Duplicates,
    Freshness,
    Limits,
    Mismatch,
    NullShare,
    OutOfRange,
    QualityRule,
    Unmatched,
    Volume,
    WrongLength,
)
from pipeline.contract.quality_rules import quality_rules
from pipeline.quality.result import Kind, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(QualityRule):
    """The sum of ``field`` minus the rows of the table ``of``, in rows."""

    field: str
    of: str


Rule = AnyRule | Total

KINDS: Final[dict[type[QualityRule], tuple[Kind, Unit]]] = {
    NullShare: ("nulls", "%"),
    Duplicates: ("duplicates", "rows"),
    OutOfRange: ("range", "rows"),
    WrongLength: ("length", "rows"),
    Mismatch: ("pattern", "rows"),
    Unmatched: ("references", "%"),
    Volume: ("volume", "%"),
    Freshness: ("freshness", "min"),
    Total: ("total", "rows"),
}

_GOLD_KEYS: Final = {
    "gold/daily": ("event_date", "category", "event_type"),
    "gold/hourly": ("event_date", "hour", "category", "event_type"),
    "gold/entity_days": ("event_date", "entity_id"),
}


def rules_of(table: str, contract: DataContract) -> tuple[Rule, ...]:
    """Return the rules of a lake table. Raises ContractError for a table without a gate."""
    match table:
        case "bronze/events":
            return tuple(rule for rule in quality_rules(contract) if _of_bronze(rule))
        case "silver/events" | "reference/categories" | "reference/assets":
            return quality_rules(contract)
        case _ if table in _GOLD_KEYS:
            return _gold(_GOLD_KEYS[table])
    known = ("bronze/events", "silver/events", "reference/categories", "reference/assets", *_GOLD_KEYS)
    allowed = ", ".join(known)
    raise ContractError(f"{table}: no quality rules are known of this table; allowed: {allowed}")


def identity_of(table: str, contract: DataContract) -> tuple[str, ...]:
    """Return the fields that identify a table's rows in examples."""
    if table == "bronze/events":
        return ("source_name", "source_partition", "source_position")
    return _GOLD_KEYS.get(table, contract.identity)


def fields_of(rule: Rule) -> tuple[str, ...]:
    """Return the columns that a rule reads."""
    if isinstance(rule, Duplicates):
        return rule.fields
    return () if isinstance(rule, Volume) else (rule.field,)


def _of_bronze(rule: Rule) -> bool:
    """Return whether a rule applies to Bronze, which only has an event's position and time."""
    return isinstance(rule, Volume) or fields_of(rule) == ("event_time",)


def _gold(keys: tuple[str, ...]) -> tuple[Rule, ...]:
    error: dict[str, Any] = {"severity": "error", "limits": NONE}
    return (
        Duplicates(
            id="keys_are_unique",
            dimension="uniqueness",
            description="Two rows of one key would be counted twice by whoever sums them.",
            fields=keys,
            **error,
        ),
        *(
            NullShare(
                id=f"{key}_required",
                dimension="completeness",
                description="A key without a value is no key.",
                field=key,
                **error,
            )
            for key in keys
        ),
        OutOfRange(
            id="events_range",
            dimension="conformity",
            description="A key stands here because it has events.",
            field="events",
            allowed=Limits(low=1),
            **error,
        ),
        Total(
            id="events_equal_silver",
            dimension="consistency",
            description="Every row of Silver is counted here, and none twice.",
            field="events",
            of="silver/events",
            **error,
        ),
    )
