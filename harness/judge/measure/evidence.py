"""How a figure was obtained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.history.reader import History
from harness.history.workers import clocks_known_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Accompanies every figure shown. As text: ``measured: process backend, 3 brokers``."""

    kind: Literal["measured", "modelled", "assumed"]
    backend: str = ""
    """The backend that it was measured on."""
    scale: str = ""
    """The size of what was measured: ``kafka 3, 336,776 events``."""
    interval: tuple[float, float] | None = None
    """Within which a modelled figure lies, in the figure's own unit."""
    source: str = ""
    """Where a figure that was not measured comes from."""

    def __str__(self) -> str:
        """Return the human-readable form."""
        parts = [f"{self.backend} backend"] if self.backend else []
        parts += [self.scale] if self.scale else []
        parts += ["between {:,.6g} and {:,.6g}".format(*self.interval)] if self.interval else []
        parts += [f"from {self.source}"] if self.source else []
        return f"{self.kind}: {', '.join(parts)}"

    def to_json(self) -> Mapping[str, Any]:
        """Return its fields and its ``text``."""
        return {**asdict(self), "text": str(self)}


def measured(history: History) -> Evidence:
    """Return the evidence of a history: its backend, nodes and number of acknowledged events."""
    if history.info is None:
        return Evidence(kind="measured", scale="nothing")
    backend = history.info.backend
    nodes = history.info.topology_summary.removeprefix(f"{backend} backend, ")
    parts = (nodes, *_acknowledged(history))
    return Evidence(kind="measured", backend=backend, scale=", ".join(part for part in parts if part))


def _acknowledged(history: History) -> tuple[str, ...]:
    if "operations" in history.damaged:
        return ()
    try:
        acknowledged = history.value(
            "SELECT coalesce(sum(count), 0)::BIGINT FROM operations WHERE kind = 'produce' AND outcome = 'ok'"
        )
    except Exception:  # noqa: BLE001 -- a failed count must not cost the findings
        return ("an unknown number of events",)
    return (f"{acknowledged:,} events", clocks_known_to(history.workers))
