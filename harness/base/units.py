"""Quantities as people write them: ``500ms``, ``2.5m``, ``1%``, ``384MiB``, ``50k/s``. Parsed strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

NUMBER: Final = r"[0-9]{1,30}(?:\.[0-9]{1,30})?"
"""An unsigned decimal number. Bounded, because it is matched against untrusted text."""

DURATION_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE_UNITS_BYTES: Final = {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_SHARE_UNITS: Final = {"%": 0.01}
RATE_UNITS_PER_S: Final = {"/s": 1.0, "k/s": 1e3, "M/s": 1e6}

WRITTEN_BY_HAND: Final = {"written_by_hand": True}
"""Validation context under which a quantity must be text with its unit. Without it a bare number is taken to
be in the base unit, which is how saved values are read back."""


def duration_s(text: object) -> float:
    """Seconds from ``250ms``, ``10s``, ``5m``, ``4h`` or ``7d``. Raises ValueError."""
    return _parse(text, _DURATION)


def size_bytes(text: object) -> int:
    """Bytes from ``384MiB``. Raises ValueError."""
    return int(_parse(text, _SIZE))


def share(text: object) -> float:
    """A fraction of one from ``1%`` or ``0.5%``. Raises ValueError."""
    fraction = _parse(text, _SHARE)
    if fraction > 1:
        raise ValueError("a share of at most 100%")
    return fraction


def rate_per_s(text: object) -> float:
    """Events a second from ``200/s``, ``50k/s`` or ``2.5M/s``. Raises ValueError."""
    return _parse(text, _RATE)


class _Quantity:
    def __init__(self, meaning: str, units: Mapping[str, float], example: str) -> None:
        self.units = units
        self.pattern = f"({NUMBER})\\s?({'|'.join(units)})"
        self.allowed = f"{meaning} with its unit ({', '.join(units)}), such as {example}"


_DURATION: Final = _Quantity("a duration", DURATION_UNITS_S, "10s")
_SIZE: Final = _Quantity("a size", _SIZE_UNITS_BYTES, "384MiB")
_SHARE: Final = _Quantity("a share", _SHARE_UNITS, "1%")
_RATE: Final = _Quantity("a rate", RATE_UNITS_PER_S, "50k/s")


def _parse(text: object, quantity: _Quantity) -> float:
    match = re.fullmatch(quantity.pattern, text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(quantity.allowed)
    return float(match[1]) * quantity.units[match[2]]


def _validator(parse: Callable[[object], float], quantity: _Quantity) -> BeforeValidator:
    def validate(value: object, info: ValidationInfo) -> object:
        if isinstance(value, str) or info.context == WRITTEN_BY_HAND:
            return parse(value)
        return value

    return BeforeValidator(validate, json_schema_input_type=str)


def _json_schema(quantity: _Quantity) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{quantity.pattern}$"}, mode="validation")


_FINITE: Final = Field(ge=0, allow_inf_nan=False)
Seconds = Annotated[float, _validator(duration_s, _DURATION), _FINITE, _json_schema(_DURATION)]
Bytes = Annotated[int, _validator(size_bytes, _SIZE), Field(ge=0), _json_schema(_SIZE)]
Share = Annotated[float, _validator(share, _SHARE), Field(ge=0, le=1), _json_schema(_SHARE)]
Rate = Annotated[float, _validator(rate_per_s, _RATE), _FINITE, _json_schema(_RATE)]
