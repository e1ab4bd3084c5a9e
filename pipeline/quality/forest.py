"""An Isolation Forest over a day's events: finds events that are easy to separate from the others.

Liu, Ting and Zhou, "Isolation Forest" (ICDM 2008). The score is theirs: near 1 for events that a few random
cuts isolate, below 0.5 for ordinary ones. Unlike the robust statistics it detects values that are unusual
only for their hour, or given their quantity.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.quality.forest_summary import Anomaly, ForestOptions, ForestSummary
from pipeline.quality.sample import IDENTITY, Sample
from pipeline.quality.trees import Trees, to_table

if TYPE_CHECKING:  # importing takes two seconds, and most readers of a forest grow none
    from sklearn.ensemble import IsolationForest

FEATURES: Final = ("value", "quantity", "hour")
_FEWEST: Final = 100
"""The least number of events for a forest."""
_HOUR_MINUTES: Final = 60
_LARGEST: Final = 1e38
"""Trees use single precision, which ends at 3.4e38; larger values are clipped to this."""
_MOST_WORST: Final = 5
_BINS: Final = 20


_USUAL: Final = ForestOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """A day's forest as stored."""

    summary: ForestSummary
    model: bytes
    """The trees, in Parquet; empty without a forest."""
    scores: bytes
    """Parquet with event_id, event_time, score and flagged, sorted by identity."""


def grow(sample: Sample, *, seed: int, options: ForestOptions = _USUAL) -> Forest:
    """Grow the forest of a day. The same sample and seed give the same scores."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415

    events = sample.events.select([*IDENTITY, "value", "quantity"]).drop_null()
    model, scores, why = b"", np.empty(0), ""
    if events.num_rows < _FEWEST:
        why = f"{events.num_rows} events have every feature; {_FEWEST} are needed"
        events = events.slice(0, 0)
    else:
        most = min(options.events_a_tree, events.num_rows)
        forest = IsolationForest(n_estimators=options.trees, max_samples=most, random_state=seed)
        features = features_of(events)
        forest.fit(features)
        # scikit-learn negates the paper's score, so that low is abnormal.
        model, scores = _trees(forest).parquet(), -forest.score_samples(features)
    flagged = scores >= options.flagged_from
    summary = ForestSummary(
        seed=seed,
        options=options,
        features=FEATURES,
        events=events.num_rows,
        flagged=None if why else int(np.count_nonzero(flagged)),
        why=why,
        histogram=tuple(int(n) for n in np.histogram(scores, bins=_BINS, range=(0, 1))[0]),
        worst=_worst(events, scores, flagged),
    )
    return Forest(summary=summary, model=model, scores=_parquet(events, scores, flagged))


def features_of(events: pa.Table) -> NDArray[np.float64]:
    """Return ``FEATURES`` of events that have all of them, one row per event; the hour has a fraction."""
    times = events["event_time"]
    hour = pc.add(pc.hour(times), pc.divide(pc.cast(pc.minute(times), pa.float64()), _HOUR_MINUTES))
    columns = (events["value"], events["quantity"], hour)
    features = np.column_stack([column.to_numpy().astype(np.float64) for column in columns])
    held: NDArray[np.float64] = np.clip(features, -_LARGEST, _LARGEST)
    return held


def _trees(forest: IsolationForest) -> Trees:
    grown = (estimator.tree_ for estimator in forest.estimators_)
    return to_table(
        [
            {
                "left": tree.children_left,
                "right": tree.children_right,
                "feature": tree.feature,
                "threshold": tree.threshold,
                "samples": tree.n_node_samples,
            }
            for tree in grown
        ]
    )


def _worst(events: pa.Table, scores: NDArray[np.float64], flagged: NDArray[np.bool_]) -> tuple[Anomaly, ...]:
    rows = [int(row) for row in np.argsort(-scores, kind="stable")[:_MOST_WORST] if flagged[row]]
    return tuple(
        Anomaly(
            event_id=event["event_id"],
            event_time=event["event_time"].isoformat(),
            value=float(event["value"]),
            quantity=float(event["quantity"]),
            score=round(float(scores[row]), 4),
        )
        for row, event in zip(rows, events.take(pa.array(rows, pa.int64())).to_pylist(), strict=True)
    )


def _parquet(events: pa.Table, scores: NDArray[np.float64], flagged: NDArray[np.bool_]) -> bytes:
    table = events.select(list(IDENTITY)).append_column("score", pa.array(scores, pa.float64()))
    file = io.BytesIO()
    pq.write_table(table.append_column("flagged", pa.array(flagged, pa.bool_())), file, compression="snappy")
    return file.getvalue()
