"""Snapshots of reference tables: the contract's columns out of a data set's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.base.errors import InvalidInput
from harness.run.lake.references import rows_of, snapshot
from harness.scenario.lake_steps import ReferenceFile, ReferenceTable


def made(folder: Path, text: str, **columns: str) -> str:
    path = folder / "planes.csv"
    path.write_text(text)
    file = ReferenceFile(package="p", member="planes.csv", columns=columns, nulls=("NA",))
    return snapshot(path, file, place="lake.references.assets").decode()


def test_columns_bear_the_contracts_names_and_others_are_left_out(tmp_path: Path) -> None:
    text = made(tmp_path, "tailnum,seats,speed\nN1,55,NA\n", reference_id="tailnum", seats="seats")
    assert text == '"reference_id","seats"\n"N1","55"\n'


def test_what_is_missing_is_missing(tmp_path: Path) -> None:
    assert made(tmp_path, "tailnum,year\nN1,NA\n", reference_id="tailnum", year="year").endswith('"N1",\n')


def test_texts_stay_what_they_are(tmp_path: Path) -> None:
    assert '"007"' in made(tmp_path, "tailnum\n007\n", reference_id="tailnum")


def test_a_file_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"lake\.references\.assets.*columns tail"):
        made(tmp_path, "tailnum\nN1\n", reference_id="tail")


@pytest.mark.parametrize(
    ("table", "text", "rows"),
    [
        ("categories", b"category,name\nUA,United\n007,\n", [("UA", "United"), ("007", None)]),
        ("assets", b'"reference_id","seats"\n"N1","55"\n', [("N1", None)]),
    ],
)
def test_what_a_table_is_to_hold_is_what_the_snapshot_says(
    table: ReferenceTable, text: bytes, rows: list[tuple[str, str | None]]
) -> None:
    assert [(row["key"], row["name"]) for row in rows_of(table, text).to_pylist()] == rows
