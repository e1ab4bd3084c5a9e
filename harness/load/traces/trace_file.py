"""A file of a trace, unpacked, and the header that it has when it is CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.base.errors import InvalidInput, Problem

_HEADER_BYTES_MAX: Final = 2**20
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8: Final = "UTF-8; iconv, for one, can convert it"
_NAMES: Final = "a first line that names the columns, or columns: [...] in the mapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFile:
    """A file of a trace that is open for reading through one database."""

    path: Path
    """Where the database reads it."""
    name: str
    """What to call it in messages."""
    format: str
    delimiter: str = ","
    header: tuple[str, ...] = ()
    """The names of a CSV file's columns, where the mapping gives them."""
    nulls: tuple[str, ...] = ()
    """Texts that stand for a missing value, as the empty one always does."""


def csv_header(file: TraceFile) -> list[str]:
    """The names in the first line. Raises InvalidInput when there are none, or they are not UTF-8."""
    with file.path.open("rb") as stream:
        head = stream.read(_HEADER_BYTES_MAX)
    # Bytes that are no UTF-8 become half surrogates, which no UTF-8 has, wherever in the text they are.
    text = io.StringIO(head.decode(errors="surrogateescape"), newline="")
    try:
        header = next(csv.reader(text, delimiter=file.delimiter), [])
    except csv.Error as error:
        raise _refused(f"{file.name}:1", "a header that is no CSV", _NAMES) from error
    first_line = ",".join(header)
    if head.startswith(_UTF_16) or "\x00" in first_line or not is_unicode(first_line):
        raise _refused(f"{file.name}:1", "a header that is not UTF-8", _UTF8)
    if not any(header):
        raise _refused(file.name, "no header", _NAMES)
    return header


def is_unicode(text: str) -> bool:
    """Whether it has no half surrogates, which stand for bytes that were not UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _refused(where: str, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=where, found=found, allowed=allowed)])
