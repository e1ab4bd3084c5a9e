"""What an error of the Kafka client says about an event: that it was refused, or only that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from confluent_kafka import KafkaError

from harness.load.refusals import REFUSALS

Outcome = Literal["ok", "fail", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an event was not acknowledged, and what follows from that."""

    outcome: Literal["fail", "unknown"]
    error: str
    """The client's name for it, such as ``_MSG_TIMED_OUT``."""


NO_REPORT: Final = Failure(outcome="unknown", error="no report before the end")
"""Of an event about which the client had said nothing when it was closed."""


def failure_of(error: KafkaError) -> Failure:
    """``fail`` when the event was certainly not stored, else ``unknown``."""
    return Failure(outcome="fail" if error.code() in REFUSALS else "unknown", error=error.name())


def refusal_of(error: KafkaError) -> Failure:
    """Of an error that the client gave instead of taking the event: it was never sent."""
    return Failure(outcome="fail", error=error.name())
