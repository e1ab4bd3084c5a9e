"""Robust statistics, and the Isolation Forest."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import PipelineError
from pipeline.quality.forest import features_of, grow
from pipeline.quality.outliers import LIMIT, Outliers, outliers
from pipeline.quality.trees import Trees
from tests.core.quality_parts import sample_of

LARGEST = 1.7976931348623157e308
USUAL = [float(number % 10) for number in range(200)]


def of_values(values: list[float | None]) -> Outliers:
    return next(found for found in outliers(sample_of(values)) if found.field == "value")


def test_a_value_far_from_its_categorys_median_is_an_outlier() -> None:
    found = of_values([*USUAL, 500.0])
    assert (found.outliers, [worst.event_id for worst in found.worst]) == (1, ["e00200"])


def test_the_score_is_that_of_iglewicz_and_hoaglin() -> None:
    (worst,) = of_values([*([1.0, 2.0, 3.0, 4.0, 5.0] * 9), 100.0]).worst
    assert worst.score == pytest.approx(0.6745 * 97 / 1, abs=0.001)


def test_a_tenth_of_wrong_values_hides_none_of_them() -> None:
    assert of_values([*USUAL, *([1e6] * 20)]).outliers == 20


def test_where_half_of_the_values_are_the_same_nothing_is_judged() -> None:
    found = of_values([*([7.0] * 100), *USUAL[:40]])
    assert (found.outliers, found.mad) == (None, 0)
    assert "half of the values are the same" in found.why


def test_few_values_are_not_judged() -> None:
    assert of_values([*USUAL[:28], 900.0]).outliers is None


def test_nulls_are_no_values() -> None:
    assert of_values([None, *USUAL, None]).values == 200


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "values",
    [
        [*USUAL, LARGEST, -LARGEST],
        [LARGEST, -LARGEST] * 40 + [1.0] * 30,
        [LARGEST] * 31 + [1e-300 * n for n in range(30)],
        [*(n * 5e-324 for n in range(100)), LARGEST],
    ],
)
def test_the_largest_doubles_leave_every_figure_finite(values: list[float | None]) -> None:
    found = of_values(values)
    figures = [found.median, found.mad, *(worst.score for worst in found.worst)]
    assert all(map(np.isfinite, figures))


@pytest.mark.filterwarnings("error")
def test_values_beyond_what_a_tree_holds_are_isolated_like_others() -> None:
    found = grow(sample_of([*USUAL, LARGEST, -1e39]), seed=7).summary
    assert found.events == 202
    assert {worst.event_id for worst in found.worst} >= {"e00200", "e00201"}


@settings(max_examples=25)
@given(st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=90), st.floats(-1e3, 1e3))
def test_moving_all_values_moves_no_score(values: list[float], by: float) -> None:
    here, there = of_values([*values]), of_values([value + by for value in values])
    if here.outliers is not None and there.outliers is not None and here.mad > 1:
        assert here.worst[:1] == () or there.worst[0].score == pytest.approx(here.worst[0].score, rel=1e-3)
        assert all(worst.score > LIMIT for worst in here.worst)


def test_the_forest_flags_what_a_few_cuts_isolate() -> None:
    forest = grow(sample_of([*USUAL, 5000.0]), seed=7)
    assert forest.summary.worst[0].event_id == "e00200"
    assert forest.summary.flagged is not None
    assert 1 <= forest.summary.flagged <= 10


def test_the_same_sample_and_seed_give_the_same_scores() -> None:
    one, two = (grow(sample_of([*USUAL]), seed=7) for _ in range(2))
    assert one == two
    assert grow(sample_of([*USUAL]), seed=8).scores != one.scores


def test_a_stored_model_gives_the_stored_scores() -> None:
    sample = sample_of([None, *USUAL, 5000.0])
    forest = grow(sample, seed=7)
    stored = pq.read_table(io.BytesIO(forest.scores))["score"].to_numpy()
    features = features_of(sample.events.drop_null())
    assert np.allclose(Trees.read(forest.model).scores(features), stored, rtol=1e-12, atol=0)
    assert len(stored) == forest.summary.events == 201


def test_a_day_of_few_events_has_no_forest_and_says_why() -> None:
    forest = grow(sample_of(USUAL[:99]), seed=7)
    assert (forest.summary.flagged, forest.model) == (None, b"")
    assert forest.summary.why == "99 events have every feature; 100 are needed"


def changed(model: bytes, column: str, row: int, to: int) -> bytes:
    table = pq.read_table(io.BytesIO(model))
    values = table[column].to_pylist()
    values[row] = to
    at = table.schema.get_field_index(column)
    changed = table.set_column(at, table.schema.field(column), pa.array(values, pa.int32()))
    file = io.BytesIO()
    pq.write_table(changed, file)
    return file.getvalue()


@pytest.mark.parametrize(("column", "to"), [("left", 0), ("left", 10**6), ("right", -5), ("tree", 3)])
def test_a_model_whose_paths_lead_nowhere_is_refused(column: str, to: int) -> None:
    model = grow(sample_of([*USUAL]), seed=7).model
    with pytest.raises(PipelineError, match="the forest's model is damaged"):
        Trees.read(changed(model, column, 0, to))


@pytest.mark.parametrize("file", [b"", b"no file of Parquet's"])
def test_what_is_no_model_is_refused(file: bytes) -> None:
    with pytest.raises(PipelineError, match="the forest's model is no Parquet"):
        Trees.read(file)
