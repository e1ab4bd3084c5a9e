"""What may change from one version of a contract to the next."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contract.compatibility import changes, problems, successor
from pipeline.contract.odcs import DataContract
from tests.core.contract_parts import Change, adding, events, removing, setting

OLD = events()
LIMITS = st.fixed_dictionaries({}, optional={"minimum": st.integers(-2, 2), "maximum": st.integers(3, 7)})
LENGTHS = st.fixed_dictionaries({}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(3, 7)})
NEW_NAMES = st.from_regex(r"\Anew_[a-z0-9_]{0,8}\Z")
PHYSICAL = st.sampled_from(["double", "int64", "string"])


@st.composite
def contracts(draw: st.DrawFn) -> DataContract:
    made = [adding(name, draw(PHYSICAL)) for name in draw(st.sets(NEW_NAMES, max_size=3))]
    made.append(setting("quantity", logicalTypeOptions=draw(LIMITS)))
    made.append(setting("category", logicalTypeOptions=draw(LENGTHS), required=draw(st.booleans())))
    made += [removing(name) for name in draw(st.sets(st.sampled_from(["reference_id", "attributes"])))]
    return events(f"1.{draw(st.integers(1, 4))}.0", *made)


def refusals(*made: Change, version: str = "1.2.0") -> list[str]:
    return [str(problem) for problem in problems(OLD, events(version, *made))]


@given(contracts())
def test_a_contract_may_follow_itself(contract: DataContract) -> None:
    assert problems(contract, contract) == ()


@given(contracts(), NEW_NAMES, PHYSICAL)
def test_a_nullable_field_may_always_be_added(contract: DataContract, name: str, physical: str) -> None:
    raw = contract.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if name not in [field.name for field in contract.properties]:
        adding(name, physical)(raw)
    later = DataContract.model_validate(raw | {"version": successor(contract.version)})
    assert problems(contract, later) == ()


@given(contracts(), contracts())
def test_every_refused_change_names_its_field(old: DataContract, new: DataContract) -> None:
    names = {field.name for field in (*old.properties, *new.properties)}
    for change in changes(old, new):
        assert change.field in names
        assert change.compatible or change.field in str(change)


def test_what_may_follow_a_successor_may_follow_what_came_before_it() -> None:
    parts = product(
        ([], [adding("x")], [adding("x", "string")]),
        ({}, {"minimum": 0}, {"minimum": 1}),
        ({}, {"pattern": "^a"}),
        ("1.1.0", "1.2.0", "1.3.0"),
    )
    all_of_them = [
        events(
            version,
            *added,
            setting("quantity", logicalTypeOptions=limits),
            setting("event_type", logicalTypeOptions=pattern),
        )
        for added, limits, pattern, version in parts
    ]
    numbered = range(len(all_of_them))
    follows = {(a, b) for a, b in product(numbered, numbered) if not problems(all_of_them[a], all_of_them[b])}
    chains = [(a, c) for (a, b), (b2, c) in product(follows, follows) if b == b2 and len({a, b, c}) == 3]
    assert chains
    assert set(chains) <= follows


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (removing("value"), "value: removed: was double, is absent"),
        (
            setting("value", logicalType="integer", physicalType="int64"),
            "value: narrowed: was double, is int64",
        ),
        (
            setting("quantity", logicalType="number", physicalType="double"),
            "quantity: retyped: was int64, is double",
        ),
        (
            setting("event_id", logicalTypeOptions={"minLength": 1, "maxLength": 64}),
            "event_id: narrowed: was ",
        ),
        (setting("quantity", logicalTypeOptions={"minimum": 1}), "quantity: narrowed: was minimum 0, is "),
        (
            setting("value", logicalTypeOptions={"maximum": 9}),
            "value: narrowed: was no maximum, is maximum 9",
        ),
        (
            setting("event_type", logicalTypeOptions={"pattern": "^[a-z]*$"}),
            "event_type: narrowed: was pattern",
        ),
        (
            setting("category", logicalTypeOptions={"pattern": "^A"}),
            "category: narrowed: was no pattern, is ",
        ),
        (setting("value", required=True), "value: role: was nullable, is required"),
        (setting("category", required=False), "category: role: was required, is nullable"),
        (setting("category", primaryKey=True), "category: role: was required, is required, identity -1"),
        (setting("category", relationships=[]), "category: reference: was categories.category, is no table"),
        (adding("weight", required=True), "weight: added: was absent, is double, required"),
        (lambda raw: raw.update(name="others"), "name: name: was events, is others"),
    ],
)
def test_a_change_that_breaks_writers_or_readers_is_refused(made: Change, told: str) -> None:
    (refusal,) = refusals(made)
    assert refusal.startswith(told)


@pytest.mark.parametrize(
    "made",
    [
        setting("event_id", logicalTypeOptions={"maxLength": 256}),
        setting("quantity", logicalTypeOptions={}),
        setting("event_type", logicalTypeOptions={}),
        setting("value", quality=[], description="Another."),
        adding("weight", logicalTypeOptions={"minimum": 0}),
        adding("owner", "string", relationships=[{"to": "owners.owner"}]),
    ],
)
def test_a_change_that_widens_or_explains_is_compatible(made: Change) -> None:
    assert refusals(made) == []


def test_a_rename_is_recognized_by_its_type() -> None:
    (refusal,) = refusals(removing("value"), adding("delay"), adding("gate", "string"))
    assert "looks like a rename to delay)" in refusal


def test_all_problems_are_told_at_once() -> None:
    assert len(refusals(removing("value"), setting("quantity", required=True), version="2.0.0")) == 3


@pytest.mark.parametrize("version", ["2.0.0", "0.9.0", "1.0.0", "1.1.0", "1.1.1"])
def test_every_change_is_a_minor_version(version: str) -> None:
    (refusal,) = refusals(adding("weight"), version=version)
    assert refusal.startswith(f"version: version: was 1.1.0, is {version}; allowed: 1.2.0")


def test_versions_are_counted_in_numbers() -> None:
    assert (successor("1.9.0"), successor("1.10.3")) == ("1.10.0", "1.11.0")
