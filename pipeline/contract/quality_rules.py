"""Derives the quality rules of a contract: those that it states, and those that it implies.

Implied are the promises of the fields' types and limits, whose violation is an error because such rows are
rejected earlier, and two rules of the platform: less than 2% of a field's values are null, and less than 2%
of its references are unknown. These two only warn, and a field that states such a rule itself is exempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.base.errors import ContractError
from pipeline.contract.odcs import DataContract, Property
from pipeline.contract.odcs_quality import CustomQuality, LibraryQuality, Limit, Quality
from pipeline.contract.quality import (
    NONE,
    AnyRule,
    Duplicates,
    Freshness,
    Limits,
    Mismatch,
    NullShare,
    OutOfRange,
    Unmatched,
    Volume,
    WrongLength,
)

PLATFORM_SHARE: Final = Limits(high=2, inclusive=False)
"""The platform's limit for nulls and for unknown references, in percent."""

_ALLOWED: Final = {
    False: "duplicateValues in rows with properties, rowCount in percent with trailingDays and minDays",
    True: "nullValues in percent, duplicateValues in rows, freshness, "
    "invalidValues in percent with a relationship of the field",
}
"""Allowed rules: True for a field's, False for a table's."""


def quality_rules(contract: DataContract) -> tuple[AnyRule, ...]:
    """Return every rule of a contract's table. Raises ContractError for rules that nothing evaluates."""
    names = {field.name for field in contract.properties}
    found: list[AnyRule] = []
    problems: list[str] = []
    for field, quality in _stated(contract):
        rule = _rule(field, quality, names)
        if rule is None:
            problems.append(f"{quality.id}: found {_words(quality)}; allowed: {_ALLOWED[field is not None]}")
        else:
            found.append(rule)
    found += [rule for field in contract.properties for rule in _implied(field, found)]
    ids = [rule.id for rule in found]
    problems += [
        f"{name}: found twice; allowed: once" for name in sorted({i for i in ids if ids.count(i) > 1})
    ]
    if problems:
        raise ContractError(f"{contract.name}: quality rules that nothing judges: {'; '.join(problems)}")
    return tuple(found)


def _stated(contract: DataContract) -> Iterator[tuple[Property | None, Quality]]:
    for field in contract.properties:
        yield from ((field, quality) for quality in field.quality)
    yield from ((None, quality) for quality in contract.objects[0].quality)


def _rule(field: Property | None, quality: Quality, names: set[str]) -> AnyRule | None:
    """Return the rule; None if the words do not form one."""
    common: dict[str, Any] = {
        "id": quality.id,
        "severity": quality.severity,
        "dimension": quality.dimension,
        "description": quality.description,
    }
    if isinstance(quality, CustomQuality):
        limits = _limits(quality.implementation)
        return Freshness(**common, limits=limits, field=field.name) if field else None
    common["limits"] = _limits(quality)
    return _table_rule(quality, common, names) if field is None else _field_rule(field, quality, common)


def _field_rule(field: Property, quality: LibraryQuality, common: dict[str, Any]) -> AnyRule | None:
    targets = {relationship.to for relationship in field.relationships}
    match quality.metric, quality.unit, quality.arguments:
        case "nullValues", "percent", arguments if not arguments:
            return NullShare(**common, field=field.name)
        case "duplicateValues", "rows", arguments if not arguments:
            return Duplicates(**common, fields=(field.name,))
        case "invalidValues", "percent", {"relationship": to, **rest} if not rest and to in targets:
            table, column = to.split(".")
            return Unmatched(**common, field=field.name, table=table, column=column)
    return None


def _table_rule(quality: LibraryQuality, common: dict[str, Any], names: set[str]) -> AnyRule | None:
    match quality.metric, quality.unit, quality.arguments:
        case "duplicateValues", "rows", {"properties": [_, *_] as fields, **rest}:
            if not rest and names.issuperset(fields):
                return Duplicates(**common, fields=tuple(fields))
        case "rowCount", "percent", {"trailingDays": int(days), "minDays": int(least), **rest}:
            if not rest and 0 < least <= days:
                return Volume(**common, trailing_days=days, min_days=least)
    return None


def _limits(limit: Limit) -> Limits:
    if limit.must_be is not None:
        return Limits(low=limit.must_be, high=limit.must_be)
    if limit.must_be_between is not None:
        low, high = limit.must_be_between
        return Limits(low=low, high=high, inclusive=False)
    if limit.must_be_less_than is not None:
        return Limits(high=limit.must_be_less_than, inclusive=False)
    return Limits(high=limit.must_be_less_or_equal_to)


def _words(quality: Quality) -> str:
    if isinstance(quality, CustomQuality):
        return quality.implementation.metric
    return f"{quality.metric} in {quality.unit} with {quality.arguments or 'no arguments'}"


def _implied(field: Property, stated: list[AnyRule]) -> Iterator[AnyRule]:
    promise: Mapping[str, Any] = {
        "severity": "error",
        "limits": NONE,
        "description": "What breaks it is rejected.",
    }
    options = field.logical_type_options
    if field.required:
        yield NullShare(id=f"{field.name}_required", dimension="completeness", field=field.name, **promise)
    if options.minimum is not None or options.maximum is not None:
        allowed = Limits(low=options.minimum, high=options.maximum)
        id_ = f"{field.name}_range"
        yield OutOfRange(id=id_, dimension="conformity", field=field.name, allowed=allowed, **promise)
    if options.min_length is not None or options.max_length is not None:
        allowed = Limits(low=options.min_length, high=options.max_length)
        id_ = f"{field.name}_length"
        yield WrongLength(id=id_, dimension="conformity", field=field.name, allowed=allowed, **promise)
    if options.pattern is not None:
        id_ = f"{field.name}_pattern"
        yield Mismatch(id=id_, dimension="conformity", field=field.name, pattern=options.pattern, **promise)
    yield from _platforms(field, stated)


def _platforms(field: Property, stated: list[AnyRule]) -> Iterator[AnyRule]:
    own = {(type(rule), rule.field) for rule in stated if isinstance(rule, NullShare | Unmatched)}
    warning: Mapping[str, Any] = {"severity": "warning", "limits": PLATFORM_SHARE}
    if not field.required and (NullShare, field.name) not in own:
        yield NullShare(
            id=f"{field.name}_nulls",
            dimension="completeness",
            description="The platform's rule for every field that may be null.",
            field=field.name,
            **warning,
        )
    if field.relationships and (Unmatched, field.name) not in own:
        table, column = field.relationships[0].to.split(".")
        yield Unmatched(
            id=f"{field.name}_known",
            dimension="consistency",
            description="The platform's rule for every field that refers to a table.",
            field=field.name,
            table=table,
            column=column,
            **warning,
        )
