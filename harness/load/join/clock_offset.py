"""How far another machine's monotonic clock is from ours, measured by asking for its time, and how certain.

An answer bounds the offset from both sides, since neither way took less than no time. The middle is NTP's
offset (RFC 5905, section 8), and half of NTP's delay is the uncertainty. Of many answers the one that took
the least time is the best (section 10). Pure: the caller notes the times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question and its answer. Nanoseconds, each on the clock of the machine that noted it."""

    asked_ns: int
    """Ours."""
    received_ns: int
    """Theirs."""
    answered_ns: int
    """Theirs."""
    returned_ns: int
    """Ours."""

    @property
    def delay_ns(self) -> int:
        """How long both ways took together."""
        return (self.returned_ns - self.asked_ns) - (self.answered_ns - self.received_ns)


class ClockOffset(BaseModel):
    """Their clock less ours: the truth lies within ``uncertainty_ns`` of ``offset_ns``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    offset_ns: int
    uncertainty_ns: int = Field(ge=0)


SAME_CLOCK = ClockOffset(offset_ns=0, uncertainty_ns=0)


def estimate(exchanges: Sequence[Exchange]) -> ClockOffset:
    """The offset by the exchange with the least delay. Raises ValueError when its times cannot be true."""
    best = min(exchanges, key=lambda exchange: exchange.delay_ns)
    least_ns, most_ns = best.answered_ns - best.returned_ns, best.received_ns - best.asked_ns
    if best.delay_ns < 0:
        raise ValueError(f"an answer that took {best.delay_ns} ns: one of the clocks is not monotonic")
    offset_ns = (least_ns + most_ns) // 2
    return ClockOffset(offset_ns=offset_ns, uncertainty_ns=most_ns - offset_ns)


def on_one_machine(measured: ClockOffset) -> ClockOffset:
    """The offset between processes that claim to share a clock: none, unless the measurement disproves it.

    That happens where a time namespace has a monotonic clock of its own.
    """
    return SAME_CLOCK if abs(measured.offset_ns) <= measured.uncertainty_ns else measured


def throughout(start: ClockOffset, end: ClockOffset) -> ClockOffset:
    """The offset at the start, as certain as it is for everything that happened until the end.

    The clocks may have drifted apart meanwhile; whatever the offset was on its way from one to the other lies
    between the two.
    """
    drifted_ns = abs(end.offset_ns - start.offset_ns) + end.uncertainty_ns
    return ClockOffset(offset_ns=start.offset_ns, uncertainty_ns=max(start.uncertainty_ns, drifted_ns))
