"""What a hot writer did, a JSON line a batch, for whoever measures it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import orjson

from pipeline.hot.store import Written

_FLUSH_EVERY_S: Final = 1.0


class Metrics:
    """Appends ``{"at_unix_ns", "duration_us", "rows", "table"}`` lines to a file, about once a second."""

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._lines: list[bytes] = []
        self._flushed_s = clock()
        self.flush()

    def add(self, written: Iterable[Written]) -> None:
        """Note what was written."""
        if self._path is not None:
            self._lines += (
                orjson.dumps(
                    {
                        "at_unix_ns": batch.at_unix_ns,
                        "duration_us": batch.duration_us,
                        "rows": batch.rows,
                        "table": batch.table,
                    }
                )
                for batch in written
            )
            if self._clock() - self._flushed_s >= _FLUSH_EVERY_S:
                self.flush()

    def flush(self) -> None:
        """Write what waits. The file is there from the start, so that no writes differ from no writer."""
        if self._path is None:
            return
        with self._path.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in self._lines))
        self._lines = []
        self._flushed_s = self._clock()
