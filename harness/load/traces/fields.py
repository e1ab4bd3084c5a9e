"""Compiles a mapping to SQL that turns text columns into event fields. Unparsable text becomes null."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import Final

from harness.load.traces.columns import Columns
from harness.load.traces.mapping import TEXT_FIELDS, Mapping, Source, Time
from harness.load.traces.sql import literal

# Statements are assembled from parts quoted by harness/load/traces/sql.py.
# ruff: noqa: S608

_DIGITS: Final = "[-+]?[0-9]{1,19}"
_WHOLE_NUMBER: Final = rf"{_DIGITS}(\.0*)?"
_NUMBER: Final = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?"
_OFFSET: Final = "[-+](0[0-9]|1[0-5])(:?[0-5][0-9])?"
"""No place has ever been further from UTC."""
_WALL_TIME: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?"
_INSTANT: Final = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    f"([Zz]| ?UTC|{_OFFSET}(:[0-5][0-9])?)"
)
_EPOCH_UNITS_PER_MS: Final = {"epoch_s": "0.001", "epoch_ms": "1", "epoch_us": "1000"}
_NULL_TIME: Final = "CAST(NULL AS TIMESTAMP)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """Two forms of a time; a row has at most one of them."""

    wall: str = _NULL_TIME
    """Local time in the mapping's time zone."""
    instant_ms: str = "CAST(NULL AS BIGINT)"


def events_query(mapping: Mapping, columns: Columns) -> str:
    """Return the query that selects the events' fields from a file, in the contract's order.

    ``time_text``, ``value_text`` and ``quantity_text`` hold unparsable text; ``gap_text`` holds a local time
    that its zone skipped.
    """
    names = {name: f"r{n}" for n, name in enumerate(columns.expressions)}
    texts = ", ".join(f"{columns.expressions[name]} AS {alias}" for name, alias in names.items())
    raw = f"SELECT {texts} FROM {columns.relation}"
    parsed = f"SELECT {_parsed(mapping, names)} FROM ({raw})"
    return f"SELECT {_fields()} FROM (SELECT {_typed(mapping)} FROM ({parsed}))"


def _fields() -> str:
    return ", ".join(
        [
            "time_ms",
            *TEXT_FIELDS,
            "value",
            "quantity",
            "attributes",
            "CASE WHEN time_ms IS NULL AND wall IS NULL THEN time_raw END AS time_text",
            "CASE WHEN time_ms IS NULL AND wall IS NOT NULL THEN time_raw END AS gap_text",
            "CASE WHEN value IS NULL THEN value_raw END AS value_text",
            "CASE WHEN quantity IS NULL THEN quantity_raw END AS quantity_text",
        ]
    )


def _typed(mapping: Mapping) -> str:
    return (
        f"*, coalesce(instant_ms, {_instant_of_wall(mapping.time)}) AS time_ms,"
        f" {_converted('value_raw', mapping)} AS value, {_whole_number('quantity_raw')} AS quantity"
    )


def _parsed(mapping: Mapping, raw: MappingABC[str, str]) -> str:
    texts = {name: _text(source, raw) for name, source in mapping.fields.sources().items()}
    moment = _moment(mapping.time, raw)
    return ", ".join(
        [
            f"{moment.wall} AS wall",
            f"{moment.instant_ms} AS instant_ms",
            f"{_time_text(mapping.time, raw)} AS time_raw",
            *(f"CAST({texts.get(name, 'NULL')} AS VARCHAR) AS {name}" for name in TEXT_FIELDS),
            f"CAST({texts.get('value', 'NULL')} AS VARCHAR) AS value_raw",
            f"CAST({texts.get('quantity', 'NULL')} AS VARCHAR) AS quantity_raw",
            f"{_attributes(mapping.fields.attributes, raw)} AS attributes",
        ]
    )


def _text(source: Source, raw: MappingABC[str, str]) -> str:
    if source.row_number:
        return "NULL"  # numbered later, across all files
    if source.column is not None:
        text = raw[source.column]
    elif source.const is not None:
        text = literal(source.const)
    else:
        text = " || ".join(_template(source, raw))
    cases = "".join(
        f" WHEN {raw[name]} IS NULL THEN {literal(then)}" for name, then in source.if_null.items()
    )
    return f"(CASE{cases} ELSE {text} END)" if cases else f"({text})"


def _template(source: Source, raw: MappingABC[str, str]) -> Iterator[str]:
    for fixed, column in source.parts():
        if fixed:
            yield literal(fixed)
        if column:
            yield raw[column]


def _number(text: str) -> str:
    """Accept only finite numbers, as JSON does. The pattern refuses what the lenient cast would accept."""
    cast = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') AND isfinite({cast}) THEN {cast} END"


def _converted(text: str, mapping: Mapping) -> str:
    """Convert the value to the unit that the mapping specifies."""
    source = mapping.fields.value
    divisor = None if source is None else source.divided_by
    return _number(text) if divisor is None else f"(({_number(text)}) / CAST({divisor!r} AS DOUBLE))"


def _whole_number(text: str) -> str:
    return (
        f"CASE WHEN regexp_full_match({text}, '{_DIGITS}') THEN TRY_CAST({text} AS BIGINT)"
        f" WHEN regexp_full_match({text}, '{_WHOLE_NUMBER}')"
        f" THEN TRY_CAST(split_part({text}, '.', 1) AS BIGINT) END"
    )


def _moment(time: Time, raw: MappingABC[str, str]) -> _Moment:
    if time.column is None:
        return _Moment(wall=_wall_of_parts(time, raw))
    text = raw[time.column]
    if time.format == "iso8601":
        return _iso(text)
    if time.format in _EPOCH_UNITS_PER_MS:
        ms = f"TRY_CAST(round({_number(text)} / {_EPOCH_UNITS_PER_MS[time.format]}) AS BIGINT)"
        return _Moment(instant_ms=ms)
    if any(part in ("%z", "%Z") for part in re.findall("%.", time.format)):
        return _Moment(instant_ms=_instant_by_pattern(text, time.format))
    return _Moment(wall=f"CAST(try_strptime({text}, {literal(time.format)}) AS TIMESTAMP)")


def _iso(text: str) -> _Moment:
    """Parse ISO 8601 and RFC 3339. The patterns refuse what the casts would accept, such as "epoch"."""
    respelled = f"translate({text}, ',tz', '.TZ')"
    wall = f"coalesce(TRY_CAST({text} AS TIMESTAMP), TRY_CAST({respelled} AS TIMESTAMP))"
    instant = f"coalesce(TRY_CAST({text} AS TIMESTAMPTZ), TRY_CAST({respelled} AS TIMESTAMPTZ))"
    # Most times end in Z, and a suffix test finds that faster than a pattern.
    is_wall = f"NOT suffix({text}, 'Z') AND regexp_full_match({text}, '{_WALL_TIME}')"
    return _Moment(
        wall=f"CASE WHEN {is_wall} THEN {wall} END",
        instant_ms=f"CASE WHEN regexp_full_match({text}, '{_INSTANT}') THEN epoch_ms({instant}) END",
    )


def _instant_by_pattern(text: str, pattern: str) -> str:
    """Parse an instant. DuckDB's %z accepts any two digits as hours, but no Z, so both are handled here."""
    parts = re.findall("%-?.|[^%]+", pattern, re.DOTALL)
    offsets = {"%z": f"({_OFFSET}|Z)", "%%": "%"}
    spelled = "".join(
        offsets.get(part, r"[\s\S]+")
        if part.startswith("%")
        else re.sub(r"(\\\s)+", r"\\s*", re.escape(part))
        for part in parts
    )
    with_z = "".join("Z" if part == "%z" else part for part in parts)
    instant = f"CAST(try_strptime({text}, {literal(pattern)}) AS TIMESTAMPTZ)"
    if "%z" in parts:
        instant = f"coalesce({instant}, try_strptime({text}, {literal(with_z)}) AT TIME ZONE 'UTC')"
    return f"CASE WHEN regexp_full_match({text}, {literal(spelled)}) THEN epoch_ms({instant}) END"


def _wall_of_parts(time: Time, raw: MappingABC[str, str]) -> str:
    defaults = {"hour": "0", "minute": "0", "second": "0"}
    parts = time.parts().items()
    numbers = [_whole_number(raw[column]) if column else defaults[part] for part, column in parts]
    return f"TRY(make_timestamp({', '.join(numbers)}))"


def _instant_of_wall(time: Time) -> str:
    """Convert local time, to null if it does not exist in its zone: it then changes in a round trip."""
    if time.timezone == "UTC":
        return "epoch_ms(wall)"
    instant = "CAST(wall AS TIMESTAMPTZ)"
    return f"CASE WHEN CAST({instant} AS TIMESTAMP) = wall THEN epoch_ms({instant}) END"


def _time_text(time: Time, raw: MappingABC[str, str]) -> str:
    """The text that the time is parsed from; null where a part is missing."""
    return " || ' ' || ".join(raw[column] for column in time.columns())


def _attributes(names: Sequence[str], raw: MappingABC[str, str]) -> str:
    """A JSON object of the non-null attributes with sorted keys; null if there are none."""
    if not names:
        return "CAST(NULL AS VARCHAR)"
    pairs = (f"to_json({literal(name)}) || ':' || to_json({raw[name]})" for name in sorted(set(names)))
    return f"nullif('{{' || concat_ws(',', {', '.join(pairs)}) || '}}', '{{}}')"
