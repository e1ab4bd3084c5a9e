"""Quantities as people write them in YAML: ``500ms``, ``2.5m``, ``1%``, ``384MiB``. Parsed strictly, once."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

_NUMBER: Final = r"(?P<number>\d+(?:\.\d+)?)\s*"
_DURATION_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE_BYTES: Final = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _parse(text: object, units: dict[str, float] | dict[str, int], meaning: str, example: str) -> float:
    pattern = _NUMBER + "(?P<unit>" + "|".join(units) + ")"
    match = re.fullmatch(pattern, text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{meaning} is a number with one of the units {', '.join(units)}, such as {example}")
    return float(match["number"]) * units[match["unit"]]


def duration_s(text: object) -> float:
    """Seconds from ``250ms``, ``10s``, ``5m``, ``4h`` or ``7d``. Raises ValueError."""
    return _parse(text, _DURATION_S, "a duration", "10s")


def size_bytes(text: object) -> int:
    """Bytes from ``384MiB``. Raises ValueError."""
    return int(_parse(text, _SIZE_BYTES, "a size", "384MiB"))


def share(text: object) -> float:
    """A fraction of one from ``1%`` or ``0.5%``. Raises ValueError."""
    fraction = _parse(text, {"%": 0.01}, "a share", "1%")
    if fraction > 1:
        raise ValueError("a share is at most 100%")
    return fraction


Seconds = Annotated[float, BeforeValidator(lambda v: v if isinstance(v, float) else duration_s(v))]
Bytes = Annotated[int, BeforeValidator(lambda v: v if isinstance(v, int) else size_bytes(v))]
Share = Annotated[float, BeforeValidator(lambda v: v if isinstance(v, float) else share(v))]
