"""The right windows of some events, by trying all that there might be: what oracles are compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tests.core.histories import ORIGIN_MS

Key: TypeAlias = tuple[str, str, int, int]
MINUTE_MS = 60_000


def cover(kind: str, key: str, at_ms: int, size_ms: int, hop_ms: int) -> Iterator[Key]:
    """Every aligned window of the size that holds the moment, found by trying all that might."""
    for start in range(at_ms - size_ms - at_ms % hop_ms, at_ms + 1, hop_ms):
        if start % hop_ms == 0 and start <= at_ms < start + size_ms:
            yield kind, key, start, start + size_ms


def sessions(times: Sequence[int]) -> list[list[int]]:
    """Times in order, split where more than thirty minutes lie between two."""
    chains: list[list[int]] = []
    for at_ms in sorted(times):
        if chains and at_ms - chains[-1][-1] <= 30 * MINUTE_MS:
            chains[-1].append(at_ms)
        else:
            chains.append([at_ms])
    return chains


def reference(rows: Sequence[tuple[str, str, int, float | None]]) -> dict[Key, list[float | None]]:
    windows: dict[Key, list[float | None]] = defaultdict(list)
    for entity, category, offset_ms, value in rows:
        at_ms = ORIGIN_MS + offset_ms
        for key in cover("tumbling", category, at_ms, 5 * MINUTE_MS, 5 * MINUTE_MS):
            windows[key].append(value)
        for key in cover("hopping", category, at_ms, 15 * MINUTE_MS, 5 * MINUTE_MS):
            windows[key].append(value)
        for chain in sessions([ORIGIN_MS + row[2] for row in rows if row[0] == entity]):
            if chain[0] <= at_ms <= chain[-1]:
                windows["session", entity, chain[0], chain[-1] + 30 * MINUTE_MS].append(value)
    return windows
