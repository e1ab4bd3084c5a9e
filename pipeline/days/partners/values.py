"""Parses the values of a partner's row: its moment, and its fields as JSON tokens. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DAY_MS: Final = 86_400_000
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII)
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def day_start_ms(day: date) -> int:
    """Return the day's midnight (UTC) in ms since 1970."""
    return (day - _EPOCH.date()).days * _DAY_MS


def event_time_ms(found: object, day: date) -> int | None:
    """Return the moment in ms since 1970, from a number or a text; None if it is not on this day.

    A text is such a number, or ISO 8601 with date and time; without a zone it is UTC.
    """
    moment = _moment_ms(found)
    start = day_start_ms(day)
    return moment if moment is not None and start <= moment < start + _DAY_MS else None


def token(cell: str, logical_type: str) -> str:
    """Return a text cell as JSON. Numbers are kept as written; a cell of another type becomes a text."""
    return _TOKENS.get(logical_type, _text)(cell)


def _moment_ms(found: object) -> int | None:
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    if not isinstance(found, str):
        return None
    if _WHOLE.fullmatch(found):
        return int(found)
    if not _MOMENT.fullmatch(found):
        return None
    try:
        moment = datetime.fromisoformat(found)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None


def _text(cell: str) -> str:
    return json.dumps(cell, ensure_ascii=False)


def _number(cell: str) -> str:
    # Kept verbatim, so that the contract judges what was sent: 1e999 is out of range.
    return cell if _NUMBER.fullmatch(cell) else _text(cell)


def _object(cell: str) -> str:
    try:
        is_object = isinstance(json.loads(cell, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        is_object = False
    return cell if is_object else _text(cell)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


_TOKENS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {"number": _number, "integer": _number, "object": _object}
)
