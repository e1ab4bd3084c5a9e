"""The trace's own arrivals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.scenario.profiles.protocol import BrokenRule, ProfileModel


class TraceProfile(ProfileModel):
    """The trace's own gaps between events, compressed into the load's duration."""

    describes: ClassVar[str] = "the trace's own arrivals, compressed into the load's duration"
    kind: Literal["trace"] = "trace"

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Fits any duration."""
        yield from ()

    def curve(self, duration_s: float) -> None:
        """Return None: the plan has the times."""
