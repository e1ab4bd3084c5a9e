"""A partner's file independent of its format: declared columns, and rows as events' JSON.

Files are untrusted. Each is read completely, within limits, before any of it is used. Nothing in it is
evaluated, and nothing is unpacked except Parquet's own pages, whose size is checked first.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipeline.contract.odcs import DataContract, Property

TIME: Final = "event_time"
_OTHER_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class Unreadable(Exception):
    """A file cannot be used at all; holds every problem."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems, one by one."""
        return self.args


class SourceRow(NamedTuple):
    """A row as it was sent."""

    value: bytes
    """The event's JSON."""
    event_time: object
    """As in the file: a number, a text, or None."""
    key: str | None
    """The value of the field that is the record key in Kafka."""
    text: str
    """The row's own text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file's content."""

    declared: Mapping[str, str]
    """The type of every column (pipeline/contract/declared_columns.py)."""
    omits_nulls: bool
    rows: Sequence[SourceRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that partners may drop. Larger amounts go through Kafka."""

    file_bytes: int = 64 * 2**20
    unpacked_bytes: int = 512 * 2**20
    """Size of Parquet's pages according to the file's metadata, and of all rows as JSON."""
    rows: int = 1_000_000
    columns: int = 200
    row_bytes: int = 2**20
    day_bytes: int = 256 * 2**20
    """Size of all files of a day. Files beyond it, in the order of their keys, are refused."""


def require_ended(content: bytes) -> bytes:
    """Return the content without its last line feed. Raises Unreadable without one, or if it is not UTF-8."""
    if not content:
        raise Unreadable("it is empty")
    for mark, encoding in _OTHER_MARKS:
        if content.startswith(mark):
            raise Unreadable(f"it is {encoding}; write it in UTF-8")
    if not content.endswith(b"\n"):
        raise Unreadable(
            "its last line has no end, so it may have been cut off; end every line with a line feed"
        )
    return content[:-1]


def require_columns(names: Sequence[str], limits: Limits) -> None:
    """Raise Unreadable if there are too many columns or duplicates."""
    if len(names) > limits.columns:
        raise Unreadable(f"it has {len(names):,} columns; at most {limits.columns}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Unreadable(f"columns that are there twice: {', '.join(map(repr, twice))}")


def within(rows: Iterable[SourceRow], limits: Limits) -> Iterator[SourceRow]:
    """Yield the rows. Raises Unreadable if there are too many, or if one or all are too large."""
    total = 0
    for number, row in enumerate(rows):
        if number >= limits.rows:
            raise Unreadable(f"it has more than {limits.rows:,} rows; drop it in parts")
        if (size := max(len(row.value), len(row.text))) > limits.row_bytes:
            raise Unreadable(f"row {number} has {size:,} bytes; at most {limits.row_bytes:,}")
        total += size
        if total > limits.unpacked_bytes:
            raise Unreadable(f"its rows unpack to more than {limits.unpacked_bytes:,} bytes")
        yield row


def key_field(contract: DataContract) -> str:
    """Return the field that is the record key in Kafka; "" for tables that do not come through Kafka."""
    return next((field.name for field in contract.properties if field.partitioned), "")


def fields_by_name(contract: DataContract) -> Mapping[str, Property]:
    """Return the contract's fields by name."""
    return {field.name: field for field in contract.properties}


def text_or_none(found: object) -> str | None:
    """Return a text unchanged; None for anything else, such as a lone surrogate, which JSON can express."""
    if not isinstance(found, str):
        return None
    try:
        found.encode()
    except UnicodeEncodeError:
        return None
    return found


def shown(name: str) -> str:
    """Return a file's text for display, with unprintable characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
