"""A mapping as SQL: from columns of text to the fields of events. What does not parse becomes null."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from typing import Final

from harness.load.traces.mapping import TEXT_FIELDS, Mapping, Source, Time
from harness.load.traces.sql import literal

_WHOLE_NUMBER: Final = r"[-+]?[0-9]{1,19}(\.0*)?"
_NUMBER: Final = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?"
_ISO_DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_EPOCH_UNITS_PER_MS: Final = {"epoch_s": "0.001", "epoch_ms": "1", "epoch_us": "1000"}


def raw_columns(expressions: MappingABC[str, str], nulls: Sequence[str]) -> str:
    """The select list of a trace's columns as text, named ``r0, r1, ...``; what stands for null is null."""
    missing = f"[{', '.join(literal(text) for text in nulls)}]::VARCHAR[]"
    return ", ".join(
        f"CASE WHEN NOT list_contains({missing}, {expression}) THEN {expression} END AS r{n}"
        for n, expression in enumerate(expressions.values())
    )


def event_columns(mapping: Mapping, columns: Sequence[str]) -> str:
    """The select list of an event's fields, in the contract's order, over ``raw_columns``.

    ``time_text``, ``value_text`` and ``quantity_text`` hold what did not parse.
    """
    raw = {name: f"r{n}" for n, name in enumerate(columns)}
    sources = mapping.fields.sources()
    text = {name: _text(source, raw) for name, source in sources.items()}
    time, time_text = _time_ms(mapping.time, raw), _time_text(mapping.time, raw)
    value, quantity = text.get("value", "NULL"), text.get("quantity", "NULL")
    return ",\n".join(
        [
            f"{time} AS time_ms",
            *(f"CAST({text.get(name, 'NULL')} AS VARCHAR) AS {name}" for name in TEXT_FIELDS),
            f"{_converted(value, mapping)} AS value",
            f"{_whole_number(quantity)} AS quantity",
            f"{_attributes(mapping.fields.attributes, raw)} AS attributes",
            f"CASE WHEN {time} IS NULL THEN {time_text} END AS time_text",
            f"CASE WHEN {_number(value)} IS NULL THEN {value} END AS value_text",
            f"CASE WHEN {_whole_number(quantity)} IS NULL THEN {quantity} END AS quantity_text",
        ]
    )


def _text(source: Source, raw: MappingABC[str, str]) -> str:
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
    """Finite numbers only: JSON has no others. The pattern refuses what the cast would be lenient about."""
    cast = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') AND isfinite({cast}) THEN {cast} END"


def _converted(text: str, mapping: Mapping) -> str:
    """The value in the unit that the mapping asks for."""
    source = mapping.fields.value
    divisor = None if source is None else source.divided_by
    return _number(text) if divisor is None else f"(({_number(text)}) / CAST({divisor!r} AS DOUBLE))"


def _whole_number(text: str) -> str:
    cast = f"TRY_CAST(split_part({text}, '.', 1) AS BIGINT)"
    return f"CASE WHEN regexp_full_match({text}, '{_WHOLE_NUMBER}') THEN {cast} END"


def _time_ms(time: Time, raw: MappingABC[str, str]) -> str:
    if time.column is None:
        return _time_of_parts(time, raw)
    text = raw[time.column]
    if time.format == "iso8601":
        # The pattern refuses the words that the cast would take, such as "epoch".
        moment = f"TRY_CAST({text} AS TIMESTAMPTZ)"
        return f"CASE WHEN regexp_matches({text}, '{_ISO_DATE}') THEN epoch_ms({moment}) END"
    if time.format in _EPOCH_UNITS_PER_MS:
        return f"TRY_CAST(round({_number(text)} / {_EPOCH_UNITS_PER_MS[time.format]}) AS BIGINT)"
    return f"epoch_ms(CAST(try_strptime({text}, {literal(time.format)}) AS TIMESTAMPTZ))"


def _time_of_parts(time: Time, raw: MappingABC[str, str]) -> str:
    defaults = {"hour": "0", "minute": "0", "second": "0"}
    parts = time.parts().items()
    numbers = [_whole_number(raw[column]) if column else defaults[part] for part, column in parts]
    return f"epoch_ms(CAST(TRY(make_timestamp({', '.join(numbers)})) AS TIMESTAMPTZ))"


def _time_text(time: Time, raw: MappingABC[str, str]) -> str:
    """What the time was to be read from; null where a part of it is missing."""
    return " || ' ' || ".join(raw[column] for column in time.columns())


def _attributes(names: Sequence[str], raw: MappingABC[str, str]) -> str:
    """A JSON object of the attributes that are not null, keys sorted; null when there are none."""
    if not names:
        return "CAST(NULL AS VARCHAR)"
    pairs = (f"to_json({literal(name)}) || ':' || to_json({raw[name]})" for name in sorted(set(names)))
    return f"nullif('{{' || concat_ws(',', {', '.join(pairs)}) || '}}', '{{}}')"
