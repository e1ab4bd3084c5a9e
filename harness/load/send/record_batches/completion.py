"""What is known of a batch once it was sent."""

from __future__ import annotations

from dataclasses import dataclass

from harness.load.send.record_batches.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How one send of a batch ended. Times are nanoseconds since the run's epoch."""

    partition: int
    first_number: int
    """Of its first event, as the supply numbers them."""
    count: int
    bytes: int
    """Over the wire."""
    intended_ns: int | None
    """None where it was sent as soon as it could be."""
    started_ns: int
    completed_ns: int
    outcome: Outcome
    error: str = ""
