"""The life-cycle policy: what it covers, and at which ages (pipeline/lifecycle/policy.yaml)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from itertools import permutations
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.base.errors import PolicyRefused

Tier = Literal["hot", "warm", "cold"]
Prefix = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_-]*/)+$", max_length=200)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Younger(_Part):
    """A tier for data below an age."""

    under_days: Days


class Cold(_Part):
    """The last tier."""

    prefix: Prefix
    """The prefix of archived objects and their records."""
    storage_class: Literal["GLACIER"]
    """The class on AWS. Deeper classes take longer to restore than the policy says."""


class Tiers(_Part):
    """The tiers, youngest first."""

    hot: Younger
    warm: Younger
    cold: Cold


class Restore(_Part):
    """How archived data is restored."""

    prefix: Prefix
    min_h: Annotated[float, Field(gt=0, le=48, strict=False)]
    max_h: Annotated[float, Field(gt=0, le=48, strict=False)]
    kept_days: Days


class Covered(_Part):
    """A prefix whose objects are moved."""

    prefix: Prefix
    moved: Literal["day", "object"]


class Policy(_Part):
    """The whole policy."""

    tiers: Tiers
    restore: Restore
    covers: Annotated[tuple[Covered, ...], Field(min_length=1, max_length=100, strict=False)]

    @staticmethod
    def loads(text: str, *, name: str = "the policy") -> Policy:
        """Read YAML. Raises PolicyRefused with every problem."""
        try:
            policy = Policy.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise PolicyRefused(name, [str(error)]) from error
        except ValidationError as error:
            raise PolicyRefused(name, [_described(dict(problem)) for problem in error.errors()]) from error
        return policy._checked(name)

    @staticmethod
    def shipped() -> Policy:
        """The policy that this pipeline ships with."""
        source = resources.files("pipeline.lifecycle") / "policy.yaml"
        return Policy.loads(source.read_text(), name="policy.yaml")

    def _checked(self, name: str) -> Self:
        if problems := list(self._problems()):
            raise PolicyRefused(name, problems)
        return self

    def _problems(self) -> Iterator[str]:
        hot, warm = self.tiers.hot.under_days, self.tiers.warm.under_days
        if hot >= warm:
            yield f"tiers.warm.under_days: found {warm}; allowed: more than tiers.hot.under_days, {hot}"
        if self.restore.min_h > self.restore.max_h:
            found = f"restore.max_h: found {self.restore.max_h:g}"
            yield f"{found}; allowed: restore.min_h, {self.restore.min_h:g}, or more"
        places = [("tiers.cold.prefix", self.tiers.cold.prefix), ("restore.prefix", self.restore.prefix)]
        places += [(f"covers[{n}].prefix", covered.prefix) for n, covered in enumerate(self.covers)]
        for (where, prefix), (other, outer) in permutations(places, 2):
            if prefix.startswith(outer) and (prefix != outer or where > other):
                yield f"{where}: found {prefix}; allowed: a prefix outside of {other}, {outer}"


def _described(problem: dict[str, object]) -> str:
    place = problem["loc"]
    steps = place if isinstance(place, tuple) else ()
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    found = "nothing" if problem["type"] == "missing" else repr(problem["input"])
    return f"{where or 'the document'}: found {found}; allowed: {problem['msg']}"
