"""How a send may end, on every path: how long its answer is awaited, and which answers are refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

DELIVERY_TIMEOUT_S: Final = 60.0
"""How long a client retries an event."""
FLUSH_TIMEOUT_S: Final = 65.0
"""How long after the last send its answer is awaited: a little longer than it is retried."""

REFUSALS: Final = frozenset(
    {
        4,  # INVALID_FETCH_SIZE, also the answer to a batch whose size makes no sense
        10,  # MESSAGE_TOO_LARGE
        17,  # INVALID_TOPIC_EXCEPTION
        18,  # RECORD_LIST_TOO_LARGE
        21,  # INVALID_REQUIRED_ACKS
        29,  # TOPIC_AUTHORIZATION_FAILED
        31,  # CLUSTER_AUTHORIZATION_FAILED
        32,  # INVALID_TIMESTAMP
        44,  # POLICY_VIOLATION
        87,  # INVALID_RECORD
    }
)
"""Kafka protocol errors that every attempt to send would have met, so that no earlier attempt can have stored
anything. After any other error (a time-out, or one that clients retry) an attempt may have been stored
without being acknowledged: the answer to the last attempt proves nothing about the earlier ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a send was not acknowledged, and what follows from that."""

    outcome: Literal["fail", "unknown"]
    error: str
    """The client's name for it, such as ``_MSG_TIMED_OUT``."""


def failure_of(code: int, error: str) -> Failure:
    """``fail`` when what was sent is certainly not stored, else ``unknown``."""
    return Failure(outcome="fail" if code in REFUSALS else "unknown", error=error)
