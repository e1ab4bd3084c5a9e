"""Reads a plan in parts, however large it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq


class PlanReader:
    """A plan that is open for reading, in a ``with``."""

    def __init__(self, path: Path) -> None:
        """Open a plan. Raises OSError or pyarrow's ArrowException when it cannot be read."""
        self._file = pq.ParquetFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """These columns of all rows in order, tens of thousands at a time."""
        yield from self._file.iter_batches(columns=list(columns))
