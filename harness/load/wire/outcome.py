"""Whether what a client says of a batch means that it is there, that it is not, or that nobody knows."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from aiokafka import errors

Outcome = Literal["ok", "fail", "unknown"]
_REFUSED: Final = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTopicError,
    errors.TopicAuthorizationFailedError,
    errors.UnknownTopicOrPartitionError,
    errors.NotEnoughReplicasError,
    errors.PolicyViolationError,
    errors.InvalidMessageError,
)
"""Answers of a broker that looked at the batch and did not write it. Any other leaves it open."""


def outcome_of(done: asyncio.Future[object]) -> tuple[Outcome, str]:
    """The outcome, and the error by its name; "" when there is none."""
    if done.cancelled():
        return "unknown", "no answer in time"
    error = done.exception()
    if error is None:
        return "ok", ""
    return ("fail" if isinstance(error, _REFUSED) else "unknown"), type(error).__name__
