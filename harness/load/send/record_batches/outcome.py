"""Whether what a client says of a batch means that it is there, that it is not, or that nobody knows."""

from __future__ import annotations

import asyncio
from typing import Literal

from aiokafka.errors import BrokerResponseError

from harness.load.refusals import REFUSALS

Outcome = Literal["ok", "fail", "unknown"]


def outcome_of(done: asyncio.Future[object]) -> tuple[Outcome, str]:
    """The outcome, and the error by its name; "" when there is none."""
    if done.cancelled():
        return "unknown", "no answer in time"
    error = done.exception()
    if error is None:
        return "ok", ""
    return ("fail" if _is_refusal(error) else "unknown"), type(error).__name__


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, BrokerResponseError) and error.errno in REFUSALS
