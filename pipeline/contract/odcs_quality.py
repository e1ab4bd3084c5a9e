"""The Open Data Contract Standard's quality rules as types; unknown words are refused.

pipeline/contract/quality.py says what they mean.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Severity = Literal["warning", "error"]
"""A day that breaks an ``error`` is not promoted; one that breaks a ``warning`` is, and it is reported."""
Dimension = Literal[
    "accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"
]


class Strict(BaseModel):
    """A part of a contract that allows no unknown words, so a misspelt one is refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", alias_generator=to_camel, allow_inf_nan=False
    )


class Limit(Strict):
    """One of the standard's operators with its value. ``must_be_between`` excludes both ends."""

    must_be: float | None = None
    must_be_less_than: float | None = None
    must_be_less_or_equal_to: float | None = None
    must_be_between: tuple[float, float] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _one_operator(self) -> Limit:
        given = [name for name in Limit.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            allowed = ", ".join(to_camel(name) for name in Limit.model_fields)
            raise ValueError(f"exactly one of {allowed} is allowed, found {list(map(to_camel, given))}")
        return self


class Implementation(Limit):
    """A metric that this platform defines itself, with its limit."""

    metric: Literal["freshness"]
    unit: Literal["minutes"]


class LibraryQuality(Limit):
    """A rule that uses a metric of the standard. pipeline/contract/quality.py explains the arguments."""

    id: str
    type: Literal["library"]
    metric: Literal["nullValues", "invalidValues", "duplicateValues", "rowCount"]
    unit: Literal["rows", "percent"] = "rows"
    dimension: Dimension
    severity: Severity
    description: str
    arguments: dict[str, Any] = {}


class CustomQuality(Strict):
    """A rule for which the standard has no metric."""

    id: str
    type: Literal["custom"]
    engine: Literal["floodmark"]
    implementation: Implementation
    dimension: Dimension
    severity: Severity
    description: str


Quality = Annotated[LibraryQuality | CustomQuality, Field(discriminator="type")]
