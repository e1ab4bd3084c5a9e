"""The contract's quality rules: stated and implied."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import ContractError
from pipeline.contract.derive import event_contract, reference_contract
from pipeline.contract.odcs import DataContract, dumps, loads
from pipeline.contract.quality import (
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
from pipeline.contract.quality_rules import quality_rules

NULLS = {
    **{"id": "n", "type": "library", "metric": "nullValues", "mustBeLessThan": 9, "unit": "percent"},
    **{"dimension": "completeness", "severity": "error", "description": "d"},
}


def with_rule(field: str | None, rule: dict[str, Any]) -> DataContract:
    """The contract of events with one more rule."""
    raw = yaml.safe_load(dumps(event_contract()))
    table = raw["schema"][0]
    of = table if field is None else next(f for f in table["properties"] if f["name"] == field)
    of["quality"] = [*of.get("quality", []), rule]
    return loads(yaml.safe_dump(raw), "altered")


def rules_of(contract: DataContract, field: str, kind: type[AnyRule]) -> dict[str, AnyRule]:
    found = (r for r in quality_rules(contract) if isinstance(r, kind) and getattr(r, "field", "") == field)
    return {rule.severity: rule for rule in found}


def test_a_field_without_a_rule_for_its_nulls_has_the_platforms() -> None:
    (rule,) = rules_of(event_contract(), "quantity", NullShare).values()
    assert (rule.severity, str(rule.limits)) == ("warning", "less than 2")


def test_a_field_that_states_a_rule_for_its_nulls_is_free_of_the_platforms() -> None:
    (rule,) = rules_of(with_rule("quantity", NULLS), "quantity", NullShare).values()
    assert (rule.id, rule.severity, str(rule.limits)) == ("n", "error", "less than 9")


def test_a_field_that_must_be_there_is_never_null() -> None:
    (rule,) = rules_of(event_contract(), "category", NullShare).values()
    assert (rule.severity, str(rule.limits)) == ("error", "0")


@pytest.mark.parametrize(
    ("percent", "warned", "stopped"), [(1.9, False, False), (69.5, True, False), (81, True, True)]
)
def test_a_storm_is_reported_and_a_source_that_stopped_measuring_stops_promotion(
    percent: float, warned: bool, stopped: bool
) -> None:
    rules = rules_of(event_contract(), "value", NullShare)
    assert (not rules["warning"].limits.hold(percent)) is warned
    assert (not rules["error"].limits.hold(percent)) is stopped


def test_fleet_numbers_are_reported_and_a_wrong_table_stops_promotion() -> None:
    rules = rules_of(event_contract(), "reference_id", Unmatched)
    assert [rules[s].limits.hold(18.3) for s in ("warning", "error")] == [False, True]
    assert rules["error"].limits.hold(25) is False


def test_a_reference_names_its_table() -> None:
    (rule,) = [r for r in quality_rules(event_contract()) if r.id == "category_known"]
    assert isinstance(rule, Unmatched)
    assert (rule.table, rule.column) == ("categories", "category")


def test_a_reference_without_a_rule_has_the_platforms() -> None:
    raw = yaml.safe_load(dumps(event_contract()))
    next(f for f in raw["schema"][0]["properties"] if f["name"] == "category").pop("quality")
    (rule,) = rules_of(loads(yaml.safe_dump(raw), "altered"), "category", Unmatched).values()
    assert (rule.id, rule.severity, str(rule.limits)) == ("category_known", "warning", "less than 2")


@pytest.mark.parametrize(
    ("table", "fields"),
    [(event_contract(), ("event_id", "event_time")), (reference_contract("assets"), ("reference_id",))],
)
def test_an_identity_is_unique(table: DataContract, fields: tuple[str, ...]) -> None:
    (rule,) = [r for r in quality_rules(table) if isinstance(r, Duplicates)]
    assert (rule.fields, rule.severity, rule.limits) == (fields, "error", Limits(low=0, high=0))


def test_limits_of_values_are_rules() -> None:
    rules = quality_rules(event_contract())
    found = {(type(r), r.field) for r in rules if isinstance(r, OutOfRange | WrongLength | Mismatch)}
    assert found == {
        (WrongLength, "event_id"),
        (WrongLength, "entity_id"),
        (Mismatch, "event_type"),
        (OutOfRange, "quantity"),
    }


def test_volume_is_held_against_the_trailing_week() -> None:
    rules = {r.severity: r for r in quality_rules(event_contract()) if isinstance(r, Volume)}
    assert {(r.trailing_days, r.min_days) for r in rules.values()} == {(7, 3)}
    assert [rules[s].limits.hold(66) for s in ("warning", "error")] == [False, True]


def test_freshness_is_five_minutes() -> None:
    (rule,) = [r for r in quality_rules(event_contract()) if isinstance(r, Freshness)]
    assert (rule.field, rule.limits.hold(5), rule.limits.hold(5.1)) == ("event_time", True, False)


@pytest.mark.parametrize(
    ("field", "change", "told"),
    [
        ("value", {"unit": "rows"}, "nullValues in rows with no arguments; allowed: nullValues in percent"),
        ("value", {"arguments": {"values": [1]}}, "with {'values': \\[1\\]}"),
        ("value", {"metric": "invalidValues", "arguments": {"relationship": "assets.year"}}, "assets.year"),
        (None, {}, "allowed: duplicateValues in rows with properties"),
        (None, {"metric": "rowCount", "arguments": {"trailingDays": 3, "minDays": 7}}, "minDays"),
        (None, {"metric": "duplicateValues", "unit": "rows", "arguments": {"properties": ["no"]}}, "no"),
        ("value", {"id": "value_nulls"}, "value_nulls: found twice"),
    ],
)
def test_a_rule_that_nothing_judges_is_refused(field: str | None, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        quality_rules(with_rule(field, NULLS | change))


@pytest.mark.parametrize(
    "change", [{"mustBeLes": 1}, {"mustBe": 1}, {"severity": "fatal"}, {"metric": "nulls"}, {"unit": "parts"}]
)
def test_a_misspelt_rule_is_refused_when_the_contract_is_read(change: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=str(next(iter(change)))):
        with_rule("value", NULLS | change)


@given(low=st.floats(-9, 9), width=st.floats(0, 9), share=st.floats(0, 1))
def test_what_is_between_the_ends_is_within(low: float, width: float, share: float) -> None:
    assert Limits(low=low, high=low + width).hold(min(low + share * width, low + width))


@pytest.mark.parametrize("end", [1, 2])
def test_the_ends_are_within_only_when_inclusive(end: float) -> None:
    assert [Limits(low=1, high=2, inclusive=i).hold(end) for i in (True, False)] == [True, False]
