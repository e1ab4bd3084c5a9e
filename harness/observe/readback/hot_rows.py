"""Converts rows of the hot store into rows of the history's read-back tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa

from harness.history.schema import READBACK_HOT_EVENTS, READBACK_HOT_WINDOWS, TABLES
from pipeline.hot import schema as hot

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HotLayout:
    """A table of the hot store, and the history's table that it is read into."""

    source: str
    key: tuple[str, ...]
    """The source's partition key."""
    table: str
    selected: Mapping[str, str]
    """The CQL expression for each column of the history's table."""
    as_json: frozenset[str] = frozenset()

    @property
    def columns(self) -> Sequence[str]:
        """The CQL expressions to select."""
        return tuple(self.selected.values())

    def by_name(self, rows: Sequence[Row]) -> dict[str, pa.Array]:
        """The rows as columns of the history's table."""
        schema = TABLES[self.table]
        columns = dict(zip(self.selected, zip(*rows, strict=True), strict=True))
        columns |= {name: tuple(map(_json, columns[name])) for name in self.as_json}
        return {name: pa.array(values, schema.field(name).type) for name, values in columns.items()}


def _milliseconds(column: str) -> str:
    # Avoids the driver's costly conversion of each value to a datetime.
    return f"to_unix_timestamp({column})"


HOT_EVENTS: Final = HotLayout(
    source=hot.RECENT_EVENTS,
    key=("entity_id", "day"),
    table="readback_hot_events",
    selected={
        **{name: name for name in READBACK_HOT_EVENTS.names},
        "event_time_ms": _milliseconds("event_time"),
    },
    as_json=frozenset({"attributes"}),
)
HOT_WINDOWS: Final = HotLayout(
    source=hot.WINDOW_RESULTS,
    key=("window_kind", "key", "day"),
    table="readback_hot_windows",
    selected={
        **{name: name for name in READBACK_HOT_WINDOWS.names},
        "window_start_ms": _milliseconds("window_start"),
        "window_end_ms": _milliseconds("window_end"),
    },
)


def _json(value: Mapping[str, str] | None) -> str | None:
    return None if value is None else orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS).decode()
