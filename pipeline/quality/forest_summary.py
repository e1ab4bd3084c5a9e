"""The summary of a day's forest. Importing it does not import scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestOptions:
    """How a forest is grown and what it flags."""

    trees: int = 100
    events_a_tree: int = 256
    """The paper's value; more do not help."""
    flagged_from: float = 0.6
    """The lowest flagged score: where the paper's figures start to mark anomalies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One event with a high score."""

    event_id: str
    event_time: str
    """In ISO 8601, UTC."""
    value: float
    quantity: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestSummary:
    """What a report shows of a day's forest."""

    seed: int
    options: ForestOptions
    features: tuple[str, ...]
    events: int
    """Events of the sample that have every feature."""
    flagged: int | None
    """None if there were too few events for a forest."""
    why: str = ""
    histogram: tuple[int, ...] = ()
    """Events by score, in twenty steps from 0 to 1."""
    worst: tuple[Anomaly, ...] = ()
