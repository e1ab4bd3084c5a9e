"""Checks the columns that a file declares against the contract, before any row is read.

A file is refused as a whole if a field is missing or has another type than the contract's: such a mistake
affects all of its rows. The content of the rows is judged later, row by row.

Columns that the contract does not list are ignored and reported: a field flows through once a version of
the contract lists it. Fields that a later version added may be missing, so files of partners who know only
the first version remain valid. Fields of the first version may not be missing, even if they are nullable,
because a missing nullable field is most often one that was renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipeline.contract.compatibility import ABSENT, Change, refused, rename_hint, type_change
from pipeline.contract.odcs import DataContract, Property

UNDECLARED: Final = ""
"""The type of a column in formats without declared types: CSV, JSON lines."""

# Spark's and Arrow's type names, in lower case and without spaces, to the contract's.
_SAME: Final = {
    "string": "string",
    "large_string": "string",
    "utf8": "string",
    "double": "double",
    "float64": "double",
    "float": "float",
    "float32": "float",
    "bigint": "int64",
    "long": "int64",
    "int64": "int64",
    "int": "int32",
    "int32": "int32",
    "map<string,string>": "map<string, string>",
    "timestamp": "timestamp",
}
# The zone only says how a moment is displayed; the moment is the same in every zone.
_MOMENT: Final = re.compile(r"timestamp\[(s|ms|us|ns),tz=[^\]]+\]")
_LOCAL: Final = re.compile(r"timestamp\[(s|ms|us|ns)\]")
# In a file, the record's timestamp is a moment, its milliseconds since 1970, or ISO 8601 text.
_MOMENTS: Final = ("timestamp", "int64", "string")


def file_problems(
    declared: Mapping[str, str],
    contract: DataContract,
    *,
    first: DataContract | None = None,
    omits_nulls: bool = False,
) -> tuple[Change, ...]:
    """Return why a file's rows may not be read; empty if they may.

    ``declared`` maps every column to its type as Spark or Arrow names it; ``UNDECLARED`` for formats
    without types. ``first`` is the contract's first version, whose fields a file must have; the
    contract itself by default. ``omits_nulls`` is for JSON lines, whose columns are the keys that were
    seen: a nullable field may be missing there, unless there are unlisted columns, one of which may be
    its new name.
    """
    return tuple(_problems(declared, contract, first or contract, omits_nulls=omits_nulls))


def ignored_columns(declared: Mapping[str, str], contract: DataContract) -> tuple[str, ...]:
    """Return the columns that the contract does not list, in the file's order."""
    listed = {field.name for field in contract.properties}
    return tuple(name for name in declared if name not in listed)


def retyped(declared: Mapping[str, str], contract: DataContract) -> frozenset[str]:
    """Return the fields that a file declares with another type than the contract's."""
    return frozenset(
        field.name
        for field in contract.properties
        if field.name in declared and list(_type_problems(field, declared[field.name]))
    )


def _problems(
    declared: Mapping[str, str], contract: DataContract, first: DataContract, *, omits_nulls: bool
) -> Iterator[Change]:
    ignored = ignored_columns(declared, contract)
    expected = {field.name for field in first.properties}
    for field in contract.properties:
        if field.name in declared:
            yield from _type_problems(field, declared[field.name])
        elif field.name in expected and (field.required or ignored or not omits_nulls):
            alike = [name for name in ignored if not list(_type_problems(field, declared[name]))]
            yield refused(field.name, "removed", _accepted_types(field)[0], ABSENT, rename_hint(alike))


def _type_problems(field: Property, declared: str) -> Iterator[Change]:
    found, accepted = _type(declared), _accepted_types(field)
    if declared == UNDECLARED or found in accepted:
        return
    if accepted is _MOMENTS and _LOCAL.fullmatch(found):
        yield refused(
            field.name, "retyped", accepted[0], f"{found} without a zone", "; write it as one in UTC"
        )
    else:
        yield type_change(field.name, accepted[0], found)


def _type(declared: str) -> str:
    word = "".join(declared.lower().split())
    return "timestamp" if _MOMENT.fullmatch(word) else _SAME.get(word, declared)


def _accepted_types(field: Property) -> tuple[str, ...]:
    return _MOMENTS if field.record_part == "timestamp" else (field.physical_type,)
