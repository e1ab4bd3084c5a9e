"""A line of JSON for every write, for whoever measures the hot store.

When a write began is told by both clocks. The wall clock is known everywhere and may be set at any moment;
the monotonic one is shared by all that runs on this machine since it last started, which ``boot`` names.
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
    """The beginning of this machine's boot id, which is a line's ``boot``; "" where it has none."""
    return _BOOT_ID.read_text()[:_BOOT_CHARACTERS] if _BOOT_ID.is_file() else ""


class WriteLog:
    """Appends a write's start, ``duration_us``, ``rows`` and ``table`` to a file, at most a second late.

    Any thread may add; ``flush_if_due`` is to be called now and then, and closing flushes the rest. A writer
    that was killed may have left half a line: who starts again under its name cuts it off, or it would spoil
    the line that follows.
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
        """One write that was acknowledged, with when it was first tried."""
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
        """Write out what waits, when it has waited long enough."""
        if self._clock() - self._flushed_at >= _FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write out what waits."""
        with self._lock:
            lines, self._lines = self._lines, []
        self._file.write(b"".join(lines))
        self._file.flush()
        self._flushed_at = self._clock()

    def close(self) -> None:
        """Write out what waits, and close the file."""
        self.flush()
        self._file.close()

    def __enter__(self) -> WriteLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end_of_lines(path: Path) -> int:
    """The length of a file up to its last line feed."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _CHUNK_BYTES)
            file.seek(start)
            if (found := file.read(end - start).rfind(b"\n")) >= 0:
                return start + found + 1
            end = start
    return 0
