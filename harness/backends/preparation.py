"""What must be in place before a platform starts, because it cannot be added to one that runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.base.errors import PlatformError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Handed to ``Backend.up``."""

    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Environment variables by node or process, which outlive its restarts and win over the engine's own."""

    @staticmethod
    def merged(preparations: Iterable[Preparation]) -> Preparation:
        """All of them together. Raises ``PlatformError`` where two set one variable to different values."""
        env: dict[str, dict[str, str]] = {}
        for preparation in preparations:
            for node, variables in preparation.env.items():
                known = env.setdefault(node, {})
                for name, value in variables.items():
                    if known.setdefault(name, value) != value:
                        raise PlatformError(
                            f"two faults prepare {node} differently: {name} is {known[name]!r} and {value!r}"
                        )
        return Preparation(env=env)


NO_PREPARATION: Final = Preparation()
