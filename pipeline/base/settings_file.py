"""Reads the JSON files that a process of the pipeline is started with; every field is known and typed."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pipeline.base.errors import SettingsRefused

_SECRETS: Final = ("password", "access_key", "secret_key")
"""Fields whose values are never shown."""
_BYTES_MAX: Final = 2**20
_SHOWN: Final = (str, int, float, type(None))


def read_settings(path: Path, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Read the named parts that the file has, in its order, each validated as its type.

    Raises SettingsRefused.
    """
    try:
        content = read_regular(path, at_most=_BYTES_MAX + 1)
        if len(content) > _BYTES_MAX:
            raise SettingsRefused(str(path), [f"found a larger file; allowed: at most {_BYTES_MAX} bytes"])
        raw: Any = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsRefused(str(path), [f"it cannot be read as JSON: {error}"]) from error
    if not isinstance(raw, dict):
        raise SettingsRefused(str(path), [f"found a {type(raw).__name__}; allowed: an object"])
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in raw.items():
        try:
            kind = TypeAdapter(kinds[name])
            found[name] = kind.validate_json(json.dumps(value), strict=True, extra="forbid")
        except KeyError:
            problems.append(f"found {name}; allowed: {', '.join(kinds)}")
        except ValidationError as error:
            problems += _problems(name, error)
    if problems:
        raise SettingsRefused(str(path), problems)
    return found


def _problems(name: str, error: ValidationError) -> Iterator[str]:
    for details in error.errors(include_url=False):
        place = ".".join(map(str, (name, *details["loc"])))
        yield f"{place}: found {_found(details)}; allowed: {_allowed(details)}"


def _found(details: ErrorDetails) -> str:
    place, value = details["loc"], details["input"]
    if details["type"] in {"missing", "missing_argument"}:
        return "nothing"
    if any(step in _SECRETS for step in place):
        return f"a {type(value).__name__}"
    return repr(value) if isinstance(value, _SHOWN) else f"a {type(value).__name__}"


def _allowed(details: ErrorDetails) -> str:
    match details["type"]:
        case "missing" | "missing_argument":
            return "a value, as it has no default"
        case "unexpected_keyword_argument" | "extra_forbidden":
            return "no field of this name"
        case _:
            return details["msg"].removeprefix("Input should be ")


def read_regular(path: Path, *, at_most: int) -> bytes:
    """Return the first bytes of a regular file. Raises OSError, also for a pipe, which could block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISDIR(mode := os.fstat(descriptor).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(at_most)
    finally:
        os.close(descriptor)
