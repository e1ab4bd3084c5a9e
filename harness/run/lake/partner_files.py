"""The files that partners drop: made from the load's events by a seed, with the expected fate of each row."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from harness.base.errors import InvalidInput, Problem
from harness.scenario.lake_steps import DAY_S, Drop, FileFormat, LakeStage

DAY_MS: Final = round(DAY_S * 1000)
_FIELDS: Final = ("event_id", "event_type", "entity_id", "category", "reference_id", "value", "quantity")
_ATTRIBUTES: Final = "attributes"
_BROKEN: Final[Mapping[str, tuple[str, object]]] = MappingProxyType(
    {"pattern:event_type": ("event_type", "No Such Word"), "range:quantity": ("quantity", -1)}
)
"""How to break a row, by the reason for which it must then be rejected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFile:
    """One file: where it is dropped, and what the lake must derive from it."""

    key: str
    content: bytes
    rows: pa.Table
    """``partner_rows`` of the history; empty for a file that must be refused as a whole."""


def partner_file(step: Drop, *, number: int, plan: Path, origin_ms: int, seed: int) -> PartnerFile:
    """The file of a step, the ``number``-th of its scenario.

    It takes some of that day's events of the load under new identities and some as they are, which makes
    second copies, and breaks some. The day has enough of them (``require_events``).
    """
    day = day_of(step.day, origin_ms)
    random = np.random.default_rng([seed, number])
    events = _events_of(plan, step.day, origin_ms)
    chosen = events.take(np.sort(random.choice(events.num_rows, step.rows, replace=False)))
    own = np.zeros(step.rows, bool)
    own[random.choice(step.rows, step.events, replace=False)] = True
    broken = round(step.events * step.malformed)
    rows, reasons = _broken(_renamed(chosen, own, step.partner, number), own, broken, random)
    key = f"landing/partners/{step.partner}/{day}/{number:03d}.{step.format}"
    return PartnerFile(
        key=key,
        content=_damaged(_written(_with_added(rows, step), step), step),
        rows=_expected(rows, reasons, day, key).slice(0, None if step.damage == "none" else 0),
    )


def day_of(number: int, origin_ms: int) -> date:
    """The date of a day that counts from 1."""
    return datetime.fromtimestamp(origin_ms / 1000, UTC).date() + timedelta(days=number - 1)


def is_takeable(planned: pa.Table) -> pa.ChunkedArray:
    """The events of a plan that a file can contain: valid ones that are sent once and in time."""
    return pc.and_(pc.equal(planned["kind"].cast(pa.string()), "valid"), pc.invert(planned["late"]))


def require_events(stage: LakeStage, plan: Path, *, scenario: str) -> None:
    """Raises InvalidInput naming every file that would need more events than its day has."""
    if problems := list(_problems(stage, _events_by_day(plan), scenario)):
        raise InvalidInput(problems)


def _problems(stage: LakeStage, events: Mapping[int, int], scenario: str) -> Iterator[Problem]:
    for n, step in enumerate(stage.steps):
        if isinstance(step, Drop) and step.rows > events.get(step.day, 0):
            yield Problem(
                where=f"{scenario}: lake.steps[{n}].events",
                found=f"{step.rows:,} with duplicates, out of day {step.day}",
                allowed=f"at most {events.get(step.day, 0):,}, the load's valid events of that day in time",
            )


def _events_by_day(plan: Path) -> Mapping[int, int]:
    """Return how many events a file can contain, by day, from 1."""
    planned = pq.read_table(plan, columns=["kind", "late", "event_offset_ms"])
    offsets_ms = planned.filter(is_takeable(planned))["event_offset_ms"]
    counts = pc.value_counts(pc.divide(offsets_ms, DAY_MS)).to_pylist()
    return {count["values"] + 1: count["counts"] for count in counts}


def _events_of(plan: Path, day: int, origin_ms: int) -> pa.Table:
    """Return one day's events that a file can contain, with ``event_time_ms``."""
    columns = ["seq", "kind", "late", "event_offset_ms", *_FIELDS, _ATTRIBUTES]
    planned = pq.read_table(plan, columns=columns)
    offset_ms = planned["event_offset_ms"]
    first_ms = (day - 1) * DAY_MS
    of_day = pc.and_(pc.greater_equal(offset_ms, first_ms), pc.less(offset_ms, first_ms + DAY_MS))
    own = planned.filter(pc.and_(of_day, is_takeable(planned))).combine_chunks()
    return own.append_column("event_time_ms", pc.add(own["event_offset_ms"], origin_ms))


def _renamed(events: pa.Table, own: np.ndarray[Any, Any], partner: str, number: int) -> pa.Table:
    """Return the partner's own rows, with identities that no other source has."""
    prefix = f"{partner}-{number}-"
    new = pc.binary_join_element_wise(prefix, events["seq"].cast(pa.string()), "")
    ids = pc.if_else(pa.array(own), new, events["event_id"])
    return events.set_column(events.schema.get_field_index("event_id"), "event_id", ids)


def _broken(
    events: pa.Table, own: np.ndarray[Any, Any], count: int, random: np.random.Generator
) -> tuple[pa.Table, list[str | None]]:
    """The rows, with ``count`` of the partner's own broken in each way in turn, and every row's reason."""
    columns = {name: events[name].to_pylist() for name in (*_FIELDS, _ATTRIBUTES, "event_time_ms")}
    reasons: list[str | None] = [None] * events.num_rows
    ways = list(_BROKEN.items())
    for turn, row in enumerate(random.choice(np.flatnonzero(own), count, replace=False).tolist()):
        reason, (field, value) = ways[turn % len(ways)]
        reasons[row] = reason
        columns[field][row] = value
    schema = pa.schema([(name, events.schema.field(name).type) for name in columns])
    return pa.table(columns, schema=schema), reasons


def _with_added(rows: pa.Table, step: Drop) -> pa.Table:
    """The rows as the file has them: with the added columns, each holding text."""
    file = rows.set_column(rows.schema.get_field_index("event_time_ms"), "event_time", rows["event_time_ms"])
    for name in step.added:
        file = file.append_column(name, pa.array([f"{name}-{n % 10}" for n in range(rows.num_rows)]))
    return file


def _written(file: pa.Table, step: Drop) -> bytes:
    """Return the file's content, with damaged columns if so planned."""
    names = list(file.schema.names)
    match step.damage:
        case "renamed_field":
            file = file.rename_columns(["kind" if name == "event_type" else name for name in names])
        case "missing_field":
            file = file.drop_columns(["event_id"])
        case "narrowed_type":
            whole = pc.round(file["value"]).cast(pa.int32())
            file = file.set_column(names.index("value"), "value", whole)
    return _WRITERS[step.format](file)


def _damaged(content: bytes, step: Drop) -> bytes:
    return content[: len(content) // 2] if step.damage == "truncated" else content


def _expected(rows: pa.Table, reasons: list[str | None], day: date, key: str) -> pa.Table:
    count = rows.num_rows
    return pa.table(
        {
            "event_date": pa.array([day] * count, pa.date32()),
            "source_name": [key] * count,
            "source_position": pa.array(range(count), pa.int64()),
            **{name: rows[name] for name in ("event_time_ms", *_FIELDS, _ATTRIBUTES)},
            "reason": pa.array(reasons, pa.string()),
        }
    )


def _as_csv(file: pa.Table) -> bytes:
    """Attributes stay JSON text in one cell."""
    buffer = io.BytesIO()
    csv.write_csv(file, buffer)
    return buffer.getvalue()


def _as_lines(file: pa.Table) -> bytes:
    rows = file.to_pylist()
    return b"".join(orjson.dumps({**row, _ATTRIBUTES: _read(row[_ATTRIBUTES])}) + b"\n" for row in rows)


def _as_parquet(file: pa.Table) -> bytes:
    maps = [_read(text) for text in file[_ATTRIBUTES].to_pylist()]
    pairs = pa.array(
        [None if m is None else list(m.items()) for m in maps], pa.map_(pa.string(), pa.string())
    )
    buffer = io.BytesIO()
    place = file.schema.get_field_index(_ATTRIBUTES)
    pq.write_table(file.set_column(place, _ATTRIBUTES, pairs), buffer, compression="snappy")
    return buffer.getvalue()


def _read(attributes: str | None) -> dict[str, str] | None:
    return None if attributes is None else orjson.loads(attributes)


_WRITERS: Final[Mapping[FileFormat, Callable[[pa.Table], bytes]]] = MappingProxyType(
    {"csv": _as_csv, "jsonl": _as_lines, "parquet": _as_parquet}
)
