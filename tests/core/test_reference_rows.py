"""A snapshot of a reference table is taken whole, or not at all."""

from __future__ import annotations

import pytest

from pipeline.base.errors import FileRefused
from pipeline.contract.derive import reference_contract
from pipeline.days.landing.reference_rows import reference_rows

ASSETS = reference_contract("assets")
HEADER = "reference_id,manufacturer,model,year,seats,engines\n"


def read(*rows: str, header: str = HEADER) -> list[dict[str, object]]:
    content = (header + "".join(f"{row}\n" for row in rows)).encode()
    found: list[dict[str, object]] = reference_rows("snapshot.csv", content, ASSETS).to_pylist()
    return found


def test_rows_are_typed_and_in_the_order_of_their_identity() -> None:
    rows = read("N2,BOEING,737-824,1999,149,2", "N1,,,,,")
    assert [row["reference_id"] for row in rows] == ["N1", "N2"]
    assert rows[1] == {
        "reference_id": "N2",
        "manufacturer": "BOEING",
        "model": "737-824",
        "year": 1999,
        "seats": 149,
    }


def test_a_number_that_looks_like_a_name_stays_a_text() -> None:
    assert read("N1,,737,,,")[0]["model"] == "737"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",BOEING,,,,", "row 0: reference_id: it is empty, and required"),
        ("N1,,,1850,,", "row 0: year: found 1850; allowed is at least 1903 and at most 2100"),
        ("N1,,,1999.0,,", "row 0: year: found 1999.0, which is no integer"),
        ("N1,,,,0,", "row 0: seats: found 0"),
        (f"{'N' * 129},,,,,", "found 129 characters; allowed is at least 1 and at most 128"),
        ("too,few", "row 1: reference_id: it is empty"),
        ("N1,,,,,\nN1,,,,,", "reference_id: 'N1' is there 2 times"),
    ],
)
def test_one_broken_row_refuses_the_snapshot(row: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read("N0,,,,,", row) if "row 0" not in said else read(row)


def test_all_problems_are_told_and_many_are_counted() -> None:
    with pytest.raises(FileRefused, match=r"row 19: .*and 5 more"):
        read(*[f"N{n},,,1850,," for n in range(25)])


def test_a_snapshot_without_a_column_is_refused() -> None:
    with pytest.raises(FileRefused, match="seats: removed"):
        read(header=HEADER.replace("seats,", ""))
