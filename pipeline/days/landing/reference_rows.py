"""Parses a snapshot of a reference table: all of its rows are valid, or it is refused. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from pipeline.base.errors import ContractError, FileRefused
from pipeline.contract.declared_columns import file_problems
from pipeline.contract.odcs import DataContract, Property
from pipeline.days.partners.csv_file import read_csv
from pipeline.days.partners.source_file import Limits, Unreadable

_SHOWN: Final = 20
"""Row problems to list; most often all are of one kind."""
_TYPES: Final[Mapping[str, tuple[type[Any], pa.DataType]]] = {
    "string": (str, pa.string()),
    "integer": (int, pa.int64()),
}
_INT64: Final = range(-(2**63), 2**63)


def reference_rows(key: str, content: bytes, contract: DataContract) -> pa.Table:
    """Return the snapshot's rows, typed by the contract and sorted by identity.

    Every event is looked up in the table, so a snapshot is never accepted in part. Raises FileRefused.
    """
    try:
        file = read_csv(content, contract, Limits())
    except Unreadable as error:
        raise FileRefused(key, error.problems) from error
    if problems := file_problems(file.declared, contract):
        raise FileRefused(key, tuple(map(str, problems)))
    rows = [orjson.loads(row.value or b"{}") for row in file.rows]
    if found := tuple(_problems(rows, contract)):
        more = (f"and {len(found) - _SHOWN} more",) if len(found) > _SHOWN else ()
        raise FileRefused(key, (*found[:_SHOWN], *more))
    rows.sort(key=lambda row: [row[name] for name in contract.identity])
    return pa.Table.from_pylist(rows, schema=_schema(contract))


def _schema(contract: DataContract) -> pa.Schema:
    return pa.schema([(field.name, _type(field)[1]) for field in contract.properties])


def _type(field: Property) -> tuple[type[Any], pa.DataType]:
    try:
        return _TYPES[field.logical_type]
    except KeyError:
        raise ContractError(
            f"{field.name}: no reference table has a field of type {field.logical_type}"
        ) from None


def _problems(rows: Sequence[Mapping[str, Any]], contract: DataContract) -> Iterator[str]:
    for number, row in enumerate(rows):
        for field in contract.properties:
            if fault := _fault(row.get(field.name), field):
                yield f"row {number}: {field.name}: {fault}"
    identities = Counter(tuple(row.get(name) for name in contract.identity) for row in rows)
    for identity, times in identities.items():
        if times > 1:
            yield f"{', '.join(contract.identity)}: {', '.join(map(repr, identity))} is there {times} times"


def _fault(value: Any, field: Property) -> str | None:
    """Describe what is wrong with a value; None if nothing is."""
    if value is None:
        return "it is empty, and required" if field.required else None
    if not isinstance(value, _type(field)[0]) or (isinstance(value, int) and value not in _INT64):
        return f"found {value!r}, which is no {field.logical_type}"
    options = field.logical_type_options
    if isinstance(value, str):
        if options.pattern is not None and not re.fullmatch(options.pattern, value):
            return f"found {value!r}, which does not match {options.pattern}"
        return _outside(len(value), options.min_length, options.max_length, "characters")
    return _outside(value, options.minimum, options.maximum, "")


def _outside(found: float, least: float | None, most: float | None, unit: str) -> str | None:
    if (least is None or least <= found) and (most is None or found <= most):
        return None
    limits = (("at least", least), ("at most", most))
    allowed = " and ".join(f"{word} {limit}" for word, limit in limits if limit is not None)
    return f"found {found} {unit}".rstrip() + f"; allowed is {allowed}"
