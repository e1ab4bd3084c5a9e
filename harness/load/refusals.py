"""Which answers of Kafka mean that what was sent is certainly not stored; one list for whatever sends."""

from __future__ import annotations

from typing import Final

REFUSALS: Final = frozenset(
    {
        4,  # INVALID_FETCH_SIZE, which answers a batch without a sensible size, too
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
"""Codes of Kafka's protocol for errors that every attempt to send would have met, so that no earlier one can
have stored anything. After any other error, a time-out or one that clients retry above all, an attempt may
have been stored without its acknowledgement: the last one's answer says nothing of those before it."""
