"""What a file declares, against the contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contract.declared_columns import UNDECLARED, file_problems, ignored_columns
from pipeline.contract.derive import spark_columns
from tests.core.contract_parts import adding, events

FIRST = events()
LATER = events("1.2.0", adding("weight"))
SPARK = {name: kind.lower() for name, kind in spark_columns(FIRST)}
CSV = dict.fromkeys(SPARK, UNDECLARED)
ARROW = SPARK | {
    "value": "double",
    "quantity": "int64",
    "attributes": "map<string, string>",
    "event_time": "timestamp[us, tz=UTC]",
}


def without(name: str, declared: dict[str, str]) -> dict[str, str]:
    return {column: kind for column, kind in declared.items() if column != name}


@pytest.mark.parametrize("declared", [SPARK, CSV, ARROW, SPARK | {"event_time": "bigint"}])
def test_a_file_of_the_contracts_columns_is_read(declared: dict[str, str]) -> None:
    assert file_problems(declared, FIRST) == ()


@given(st.permutations(list(SPARK)))
def test_the_order_of_columns_is_the_files_own(names: list[str]) -> None:
    assert file_problems({name: SPARK[name] for name in names}, FIRST) == ()


@pytest.mark.parametrize(
    ("column", "kind", "told"),
    [
        ("value", "bigint", "value: narrowed: was double, is int64"),
        ("value", "float", "value: narrowed: was double, is float"),
        ("quantity", "int32", "quantity: narrowed: was int64, is int32"),
        ("quantity", "string", "quantity: retyped: was int64, is string"),
        ("event_time", "timestamp_ntz", "event_time: retyped: was timestamp, is timestamp_ntz"),
        ("attributes", "struct<dest:string>", "attributes: retyped: was map<string, string>, is struct<"),
    ],
)
def test_another_type_is_refused(column: str, kind: str, told: str) -> None:
    (problem,) = file_problems(SPARK | {column: kind}, FIRST)
    assert str(problem).startswith(told)


@pytest.mark.parametrize("name", sorted(SPARK))
@pytest.mark.parametrize("declared", [SPARK, CSV])
def test_a_missing_column_is_refused(name: str, declared: dict[str, str]) -> None:
    (problem,) = file_problems(without(name, declared), FIRST)
    assert (problem.field, problem.kind, problem.new) == (name, "removed", "absent")


def test_a_renamed_column_is_recognized() -> None:
    (problem,) = file_problems(without("value", SPARK) | {"delay": "double", "gate": "string"}, FIRST)
    assert "looks like a rename to delay)" in str(problem)


def test_columns_that_the_contract_does_not_list_are_told_and_ignored() -> None:
    declared = {"gate": "string", **SPARK, "crew": "int"}
    assert file_problems(declared, FIRST) == ()
    assert ignored_columns(declared, FIRST) == ("gate", "crew")


def test_a_field_flows_through_once_it_is_registered() -> None:
    declared = SPARK | {"weight": "double"}
    assert [ignored_columns(declared, contract) for contract in (FIRST, LATER)] == [("weight",), ()]


def test_a_file_of_the_first_version_stays_good() -> None:
    assert file_problems(SPARK, LATER, first=FIRST) == ()
    assert [problem.field for problem in file_problems(SPARK, LATER)] == ["weight"]


def test_a_field_that_was_added_has_its_type_in_files() -> None:
    (problem,) = file_problems(SPARK | {"weight": "string"}, LATER, first=FIRST)
    assert str(problem).startswith("weight: retyped: was double, is string")


def test_json_lines_may_leave_nulls_out() -> None:
    assert file_problems(without("value", CSV), FIRST, omits_nulls=True) == ()


@pytest.mark.parametrize(
    "declared", [without("value", CSV) | {"delay": UNDECLARED}, without("category", CSV)]
)
def test_json_lines_may_not_rename_a_key_nor_leave_out_a_required_one(declared: dict[str, str]) -> None:
    assert len(file_problems(declared, FIRST, omits_nulls=True)) == 1


def test_all_problems_are_told_at_once() -> None:
    assert len(file_problems(without("event_id", SPARK) | {"value": "bigint"}, FIRST)) == 2
