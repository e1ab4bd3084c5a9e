"""The model of a generated trace in a mapping file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from harness.base.units import Share
from harness.load.contract_rules import contract_rules

ENTITIES_MAX: Final = 10_000_000
"""Limited because their distribution is held in memory, at 8 bytes per entity."""
_CATEGORIES_MAX: Final = 1000
_VERSION: Final = re.compile(r"[1-9][0-9]{0,3}")
_TYPE_PATTERN: Final = next(rule.pattern or "" for rule in contract_rules() if rule.name == "event_type")
_ONE_VIEW: Final[Mapping[str, float]] = MappingProxyType({"view": 1.0})
_ONE_VERSION: Final[Mapping[str, float]] = MappingProxyType({"1": 1.0})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def _add_up(shares: dict[str, float]) -> dict[str, float]:
    if not math.isclose(math.fsum(shares.values()), 1.0, abs_tol=1e-9):
        raise ValueError("shares that add up to 100%")
    return shares


def _are_types(shares: dict[str, float]) -> dict[str, float]:
    if not all(re.fullmatch(_TYPE_PATTERN, name) for name in shares):
        raise ValueError(f"names of the pattern {_TYPE_PATTERN}")
    return shares


def _are_versions(shares: dict[str, float]) -> dict[str, float]:
    if not all(_VERSION.fullmatch(name) for name in shares):
        raise ValueError("versions as whole numbers from 1 to 9999")
    return shares


class Popularity(_Model):
    """How unevenly events are distributed among entities."""

    zipf: float = Field(default=0.0, ge=0, le=10, allow_inf_nan=False)
    """The exponent s of Zipf's law: rank k's share is proportional to 1 / k^s. 0 is uniform."""


class Sessions(_Model):
    """How an entity's events are grouped."""

    length: float = Field(default=1.0, ge=1, le=1000, allow_inf_nan=False)
    """Mean number of events per session; geometrically distributed."""


class Generate(_Model):
    """The distributions that events are drawn from."""

    entities: int = Field(ge=1, le=ENTITIES_MAX)
    popularity: Popularity = Popularity()
    hot_key: Share = 0.0
    """One entity gets this share of all events; the others share the rest by popularity."""
    categories: int = Field(default=1, ge=1, le=_CATEGORIES_MAX)
    """Number of categories; each entity belongs to one."""
    event_types: Annotated[dict[str, Share], AfterValidator(_add_up), AfterValidator(_are_types)] = dict(
        _ONE_VIEW
    )
    sessions: Sessions = Sessions()
    schema_versions: Annotated[dict[str, Share], AfterValidator(_add_up), AfterValidator(_are_versions)] = (
        dict(_ONE_VERSION)
    )
    """Shares of ``attributes.schema_version``. From version 2 on, events also have ``attributes.channel``."""

    @model_validator(mode="after")
    def _hot_key_is_one_of_several(self) -> Self:
        if self.hot_key and self.entities == 1:
            raise ValueError("at least two entities with a hot_key")
        return self
