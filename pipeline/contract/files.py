"""What a file declares, against the contract: whether its rows may be read at all.

A file is refused as a whole when a field is missing, or has another type than the contract's: then a
mistake was made once, for all of its rows. What its rows hold is judged row by row, later.

Columns that the contract does not list are ignored, and told: a field flows through once a version of the
contract lists it. Fields that a later version added may be missing, so the files of partners who know only
the first version stay good. Those of the first version may not, nullable or not, since a nullable one that
is missing is most often one that was renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipeline.contract.compatibility import ABSENT, Change, refused, rename_hint, type_change
from pipeline.contract.odcs import DataContract, Property

UNDECLARED: Final = ""
"""The type of a column of a format that declares none: CSV, JSON lines."""

# By the words of Spark and of Arrow, in lower case and without spaces.
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
# A moment is the same in every zone: it says only how the moment is shown.
_MOMENT: Final = re.compile(r"timestamp\[(s|ms|us|ns),tz=[^\]]+\]")
_LOCAL: Final = re.compile(r"timestamp\[(s|ms|us|ns)\]")
# Of a file, the record's timestamp is a moment, its milliseconds since 1970, or its text in ISO 8601.
_MOMENTS: Final = ("timestamp", "int64", "string")


def file_problems(
    declared: Mapping[str, str],
    contract: DataContract,
    *,
    first: DataContract | None = None,
    omits_nulls: bool = False,
) -> tuple[Change, ...]:
    """Why a file's rows may not be read; empty when they may.

    ``declared`` has the type of every column, by name, in the words of Spark or Arrow; ``UNDECLARED`` for
    formats without types. ``first`` is the contract's first version, whose fields a file must have; the
    contract itself when left out. ``omits_nulls`` is for JSON lines, whose columns are the keys that were
    seen: a field that may be null may be missing there, unless there are unlisted columns, of which one may
    be its new name.
    """
    return tuple(_problems(declared, contract, first or contract, omits_nulls=omits_nulls))


def ignored_columns(declared: Mapping[str, str], contract: DataContract) -> tuple[str, ...]:
    """The columns that the contract does not list, in the file's order."""
    listed = {field.name for field in contract.properties}
    return tuple(name for name in declared if name not in listed)


def retyped(declared: Mapping[str, str], contract: DataContract) -> frozenset[str]:
    """The fields that a file declares as another type than the contract's, for which it is refused."""
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
            yield refused(field.name, "removed", _wanted(field)[0], ABSENT, rename_hint(alike))


def _type_problems(field: Property, declared: str) -> Iterator[Change]:
    found, wanted = _type(declared), _wanted(field)
    if declared == UNDECLARED or found in wanted:
        return
    if wanted is _MOMENTS and _LOCAL.fullmatch(found):
        yield refused(field.name, "retyped", wanted[0], f"{found} without a zone", "; write it as one in UTC")
    else:
        yield type_change(field.name, wanted[0], found)


def _type(declared: str) -> str:
    word = "".join(declared.lower().split())
    return "timestamp" if _MOMENT.fullmatch(word) else _SAME.get(word, declared)


def _wanted(field: Property) -> tuple[str, ...]:
    return _MOMENTS if field.record_part == "timestamp" else (field.physical_type,)
