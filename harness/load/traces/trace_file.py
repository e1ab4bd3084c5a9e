"""An unpacked file of a trace, and the header of a CSV file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.base.errors import InvalidInput, Problem

_HEADER_BYTES_MAX: Final = 2**20
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8: Final = "UTF-8; iconv, for example, can convert it"
_NAMES: Final = "a first line that names the columns, or columns: [...] in the mapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFile:
    """A file of a trace, as one database reads it."""

    path: Path
    """The path that the database reads."""
    name: str
    """Its name in messages."""
    format: str
    delimiter: str = ","
    header: tuple[str, ...] = ()
    """The column names of a CSV file, if the mapping gives them."""
    nulls: tuple[str, ...] = ()
    """Texts that stand for a missing value, in addition to the empty text."""


def csv_header(file: TraceFile) -> list[str]:
    """Return the names in the first line. Raises InvalidInput if it has none or is not UTF-8."""
    with file.path.open("rb") as stream:
        head = stream.read(_HEADER_BYTES_MAX)
    # Bytes that are not UTF-8 become lone surrogates, which valid UTF-8 never contains.
    text = io.StringIO(head.decode(errors="surrogateescape"), newline="")
    try:
        header = next(csv.reader(text, delimiter=file.delimiter), [])
    except csv.Error as error:
        raise _refused(f"{file.name}:1", "a header that is not valid CSV", _NAMES) from error
    first_line = ",".join(header)
    if head.startswith(_UTF_16) or "\x00" in first_line or not is_unicode(first_line):
        raise _refused(f"{file.name}:1", "a header that is not UTF-8", _UTF8)
    if not any(header):
        raise _refused(file.name, "no header", _NAMES)
    return header


def is_unicode(text: str) -> bool:
    """Whether the text has no lone surrogates, which stand for bytes that were not UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _refused(where: str, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=where, found=found, allowed=allowed)])
