"""The trees of an Isolation Forest as a table, and scoring by them.

Anything that reads Parquet can read a stored model, and loading one runs no code, unlike pickle. skops would
be an alternative, but scikit-learn follows the node numbers in a file without checking that they exist.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.base.errors import PipelineError

_SCHEMA: Final = pa.schema(
    {
        "tree": pa.int32(),
        "left": pa.int32(),
        "right": pa.int32(),
        "feature": pa.int32(),
        "threshold": pa.float64(),
        "samples": pa.int32(),
    }
)
_LEAF: Final = -1
_EULER: Final = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """One row per node, tree after tree, each tree starting with its root.

    ``left`` and ``right`` are nodes of the same tree, counted from its root; -1 in a leaf. ``samples`` is
    the number of events that grew the node; an event goes left if its feature, as a 32-bit float, is at most
    ``threshold``.
    """

    nodes: pa.Table

    def parquet(self) -> bytes:
        """Return Parquet; the same bytes for the same trees."""
        file = io.BytesIO()
        pq.write_table(self.nodes, file, compression="snappy")
        return file.getvalue()

    @staticmethod
    def read(parquet: bytes) -> Trees:
        """Read what ``parquet`` returned. Raises PipelineError for anything else."""
        try:
            nodes = pq.read_table(io.BytesIO(parquet))
        except pa.ArrowException as error:
            raise PipelineError(f"the forest's model is no Parquet file: {error}") from error
        if not nodes.schema.equals(_SCHEMA) or not _whole(nodes):
            raise PipelineError(
                "the forest's model is damaged: its columns, or the nodes that they name, are not those of "
                "trees; run the day again"
            )
        return Trees(nodes=nodes)

    def scores(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each row's score, as in the paper: 2 to the power of -E(path length) / c(tree size)."""
        column = {name: self.nodes[name].to_numpy() for name in _SCHEMA.names}
        roots = np.flatnonzero(np.diff(column["tree"], prepend=-1))
        rows, values = np.arange(len(features)), features.astype(np.float32)
        lengths = np.zeros(len(features))
        for root in roots:
            node, depth = np.full(len(features), root), np.zeros(len(features))
            while (inner := column["left"][node] != _LEAF).any():
                here = node[inner]
                goes_left = values[rows[inner], column["feature"][here]] <= column["threshold"][here]
                node[inner] = root + np.where(goes_left, column["left"][here], column["right"][here])
                depth[inner] += 1
            lengths += depth + _usual_length(column["samples"][node])
        usual = _usual_length(column["samples"][roots[:1]])[0]
        return np.asarray(2.0 ** (-lengths / (len(roots) * usual)))


def to_table(columns: list[dict[str, NDArray[np.float64]]]) -> Trees:
    """Build trees from the columns of each."""
    nodes = [
        pa.table({"tree": np.full(len(tree["left"]), number), **tree}).cast(_SCHEMA)
        for number, tree in enumerate(columns)
    ]
    return Trees(nodes=pa.concat_tables(nodes).combine_chunks())


def _usual_length(samples: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the paper's c(n): the mean path length of an unsuccessful search among n."""
    n = samples.astype(np.float64)
    many = 2.0 * (np.log(np.maximum(n - 1, 1)) + _EULER) - 2.0 * (n - 1) / np.maximum(n, 1)
    return np.where(n > 2, many, np.where(n == 2, 1.0, 0.0))  # noqa: PLR2004 -- the paper's cases


def _whole(nodes: pa.Table) -> bool:
    """Return whether every path ends in a leaf: children are in the same tree, after their parent."""
    tree = nodes["tree"].to_numpy()
    if not len(tree) or nodes["tree"].null_count or tree[0] != 0 or not np.isin(np.diff(tree), (0, 1)).all():
        return False
    sizes = np.bincount(tree)
    own = np.arange(len(tree)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    left, right = nodes["left"].to_numpy(), nodes["right"].to_numpy()
    inner = left != _LEAF
    children = np.stack([left, right])[:, inner]
    return bool(((children > own[inner]) & (children < sizes[tree][inner])).all())
