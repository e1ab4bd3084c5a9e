"""Requests for archived data: when it will be readable, and until when. Pure; times are on the event clock.

How long a restore takes is modelled, not measured: uniformly distributed between the policy's bounds, which
are those that AWS states for standard retrievals from S3 Glacier Flexible Retrieval (3 to 5 hours:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from pipeline.lifecycle.archive_record import ArchiveRecord
from pipeline.lifecycle.policy import Policy

_HOUR_S: Final = 3600


class RestoreRequest(BaseModel):
    """A request to restore a piece of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """The piece's name (pipeline/lifecycle/archive_record.py)."""
    id: str
    asked_at: datetime
    ready_at: datetime
    expires_at: datetime
    evidence: Literal["modelled"] = "modelled"

    @property
    def key_suffix(self) -> str:
        """The last part of the request's key."""
        return f"{self.id}.json"

    def __str__(self) -> str:
        """Describe the request for display."""
        took_h = (self.ready_at - self.asked_at) / timedelta(hours=1)
        return (
            f"{self.name}: readable from {self.ready_at:%Y-%m-%d %H:%M} (UTC), {took_h:.1f} h after it was"
            f" asked for ({self.evidence}), until {self.expires_at:%Y-%m-%d %H:%M}"
        )


def restore(policy: Policy, record: ArchiveRecord, now: datetime, chance: random.Random) -> RestoreRequest:
    """Request a piece. The same chance and moment give the same request."""
    # Whole seconds, because people see the time and come back at it.
    takes = timedelta(seconds=round(chance.uniform(policy.restore.min_h, policy.restore.max_h) * _HOUR_S))
    return RestoreRequest(
        name=record.name,
        id=record.id,
        asked_at=now,
        ready_at=now + takes,
        expires_at=now + takes + timedelta(days=policy.restore.kept_days),
    )


def due(requests: Iterable[RestoreRequest], now: datetime) -> tuple[RestoreRequest, ...]:
    """Return the requests whose data is readable now, in the order in which it became so."""
    there = (request for request in requests if request.ready_at <= now < request.expires_at)
    return tuple(sorted(there, key=lambda request: (request.ready_at, request.id)))


def expired(requests: Iterable[RestoreRequest], now: datetime) -> tuple[RestoreRequest, ...]:
    """Return the requests whose data is no longer readable."""
    over = (request for request in requests if request.expires_at <= now)
    return tuple(sorted(over, key=lambda request: (request.expires_at, request.id)))


def restore_time(policy: Policy) -> str:
    """Describe how long a restore takes."""
    return f"{policy.restore.min_h:g} to {policy.restore.max_h:g} h (modelled)"
