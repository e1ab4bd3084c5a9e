"""Logs one JSON line per write, to measure the hot store.

Each line has the start of its write on two clocks. The wall clock is known everywhere but may be set at any
moment. The monotonic clock is shared by all processes of this machine since its last boot, which ``boot``
identifies.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

import orjson

_FLUSH_EVERY_S: Final = 1.0
_CHUNK_BYTES: Final = 64 * 1024
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_BOOT_CHARACTERS: Final = 8


def boot() -> str:
    """Return the start of this machine's boot id, for a line's ``boot``; "" if it has none."""
    return _BOOT_ID.read_text()[:_BOOT_CHARACTERS] if _BOOT_ID.is_file() else ""


class WriteLog:
    """Appends each write's start, ``duration_us``, ``rows`` and ``table`` to a file, at most a second late.

    Any thread may add; call ``flush_if_due`` regularly; closing flushes the rest. A killed writer may have
    left an incomplete line, which the next writer on the file cuts off.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = path.open("ab")
        self._file.truncate(_end_of_lines(path))
        self._clock = clock
        self._boot = boot()
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._flushed_at = clock()

    def add(self, *, at_unix_ns: int, at_monotonic_ns: int, duration_us: int, rows: int, table: str) -> None:
        """Log an acknowledged write, with the time of its first attempt."""
        line = orjson.dumps(
            {
                "at_unix_ns": at_unix_ns,
                "at_monotonic_ns": at_monotonic_ns,
                "boot": self._boot,
                "duration_us": duration_us,
                "rows": rows,
                "table": table,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        with self._lock:
            self._lines.append(line)

    def flush_if_due(self) -> None:
        """Flush if the last flush is long enough ago."""
        if self._clock() - self._flushed_at >= _FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write all pending lines."""
        with self._lock:
            lines, self._lines = self._lines, []
        self._file.write(b"".join(lines))
        self._file.flush()
        self._flushed_at = self._clock()

    def close(self) -> None:
        """Write all pending lines and close the file."""
        self.flush()
        self._file.close()

    def __enter__(self) -> WriteLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end_of_lines(path: Path) -> int:
    """Return the length of a file up to its last line feed."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _CHUNK_BYTES)
            file.seek(start)
            if (found := file.read(end - start).rfind(b"\n")) >= 0:
                return start + found + 1
            end = start
    return 0
