"""The bench of the lake fails when contenders made different rows of the same ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from harness.observe.readback.lake import Lake
from tests.bench.lake_equal import OutputsDiffer, require_equal

ROWS = pa.table({"key": ["a", "b", "c"], "n": [1, None, 3]})
TABLES = [("one", "other")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    write_deltalake(str(tmp_path / "one"), ROWS)
    return Lake(root=str(tmp_path))


def put(lake: Lake, rows: pa.Table) -> None:
    write_deltalake(f"{lake.root}/other", rows)


def test_neither_the_order_of_rows_nor_that_of_columns_counts(lake: Lake) -> None:
    put(lake, ROWS.take([2, 0, 1]).select(["n", "key"]))
    assert require_equal(lake, TABLES) == 3


def test_another_value_fails(lake: Lake) -> None:
    put(lake, ROWS.set_column(1, "n", [[1, 2, 3]]))
    with pytest.raises(OutputsDiffer, match="other is not one: other values in 3 rows"):
        require_equal(lake, TABLES)


@pytest.mark.parametrize(("taken", "rows"), [([0, 1], 2), ([0, 1, 2, 2], 4)])
def test_a_row_that_is_missing_or_there_twice_fails(lake: Lake, taken: list[int], rows: int) -> None:
    put(lake, ROWS.take(taken))
    with pytest.raises(OutputsDiffer, match=f"{rows} rows, not 3"):
        require_equal(lake, TABLES)


def test_a_missing_column_and_a_missing_table_fail(lake: Lake) -> None:
    with pytest.raises(OutputsDiffer, match="columns none, not key, n"):
        require_equal(lake, TABLES)
    put(lake, ROWS.select(["key"]))
    with pytest.raises(OutputsDiffer, match="columns key, not key, n"):
        require_equal(lake, TABLES)
