"""How the send of a record batch ended: stored, refused, or unknown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiokafka.errors import BrokerResponseError

from harness.history.operations import Outcome
from harness.load.send.outcomes import REFUSALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One send of a batch. Times are nanoseconds since the run's epoch."""

    partition: int
    first_number: int
    """Of its first event, as the supply numbers them."""
    count: int
    bytes: int
    """Over the wire."""
    intended_ns: int | None
    """None where it was sent as soon as possible."""
    started_ns: int
    completed_ns: int
    outcome: Outcome
    error: str = ""


def outcome_of(done: asyncio.Future[object]) -> tuple[Outcome, str]:
    """The outcome and the name of the error; "" when there is none."""
    if done.cancelled():
        return "unknown", "no answer in time"
    error = done.exception()
    if error is None:
        return "ok", ""
    return ("fail" if _is_refusal(error) else "unknown"), type(error).__name__


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, BrokerResponseError) and error.errno in REFUSALS
