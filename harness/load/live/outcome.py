"""What an error of the Kafka client says about an event: that it was refused, or only that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from confluent_kafka import KafkaError

Outcome = Literal["ok", "fail", "unknown"]

REFUSALS: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.INVALID_REQUIRED_ACKS,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
"""Errors that every attempt to send the event would have met, so that no earlier attempt can have stored it.
After any other error, a time-out above all, an attempt may have been stored without its acknowledgement."""


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
