"""Ranges: how the history records what became of events without a row for each.

A range holds only neighbours of the plan that were all sent, had the same outcome for the same reason, and
were sent and completed at nearly the same moment. So an event's outcome is that of the one range whose
``first_seq`` and ``last_seq`` enclose its seq, whichever user sent it, and ``count`` is always
``last_seq - first_seq + 1``. An event outside every range was never handed to the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.load.send.outcomes import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """What is known of some events of a plan. The lists run in parallel, an entry an event."""

    seqs: Sequence[int]
    """Ascending; where one is left out, the event is in another worker's share."""
    intended_ns: Sequence[int]
    started_ns: Sequence[int]
    completed_ns: Sequence[int]
    """Not positive while an event's outcome is not known, or when it is recorded already."""
    failures: Mapping[int, Failure]
    """By index, of those that were not acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Neighbours of the plan with one outcome. ``first`` to ``last``, inclusive, are indices."""

    first: int
    last: int
    started_ns: int
    """Of the event that was sent first."""
    completed_ns: int
    """Of the event that completed last."""
    failure: Failure | None


SENT_WITHIN_NS: Final = 25_000_000
"""How far apart two events of one range may have been sent: a range records the earliest, and the rate that
was sent is computed from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far apart two events of one range may have completed.

    A range records the latest completion, so this is also how much an event's latency may be overstated.
    """

    least_ns: int
    divisor: int
    """Divides the response time of the range's first completion; the larger of this and ``least_ns``
    applies."""

    def allowed_ns(self, response_ns: int) -> int:
        """How far apart, given the response time of the range's first completion."""
        return max(self.least_ns, response_ns // self.divisor)


TOLERANCES: Final = (
    Tolerance(least_ns=25_000_000, divisor=16),
    Tolerance(least_ns=100_000_000, divisor=4),
    Tolerance(least_ns=400_000_000, divisor=1),
)
"""Tried in turn until there are few ranges. On an overloaded platform, neighbours that went to different
partitions complete far apart, and there would be nearly as many ranges as events; yet the history of a
hundred million events must stay small."""


def few(events: int) -> int:
    """The most ranges that this many events should need."""
    return 4 + events // 16


def coalesce(known: Completions) -> list[Range]:
    """The ranges of the events whose outcome is known and not recorded yet."""
    ranges: list[Range] = []
    for tolerance in TOLERANCES:
        ranges = list(coalesce_within(tolerance, known))
        if len(ranges) <= few(len(known.completed_ns)):
            break
    return ranges


def coalesce_within(tolerance: Tolerance, known: Completions) -> Iterator[Range]:
    """``coalesce`` with one tolerance."""
    first, length = 0, len(known.completed_ns)
    while first < length:
        if known.completed_ns[first] <= 0:
            first += 1
            continue
        end = length if first == 0 and _alike(tolerance, known) else _end_of_range(tolerance, known, first)
        yield Range(
            first=first,
            last=end - 1,
            started_ns=min(known.started_ns[first:end]),
            completed_ns=max(known.completed_ns[first:end]),
            failure=known.failures.get(first),
        )
        first = end


def _alike(tolerance: Tolerance, known: Completions) -> bool:
    """Detects the common case quickly: everything completed at about the same moment."""
    soonest_ns = min(known.completed_ns)
    gaps = known.seqs[-1] - known.seqs[0] >= len(known.seqs)
    if gaps or known.failures or soonest_ns <= 0:
        return False
    if max(known.started_ns) - min(known.started_ns) > SENT_WITHIN_NS:
        return False
    return max(known.completed_ns) - soonest_ns <= tolerance.allowed_ns(soonest_ns - known.intended_ns[0])


def _end_of_range(tolerance: Tolerance, known: Completions, first: int) -> int:
    """The first index after ``first`` that no longer belongs to its range."""
    failure, intended_ns = known.failures.get(first), known.intended_ns[first]
    started_min = started_max = known.started_ns[first]
    completed_min = completed_max = known.completed_ns[first]
    for index in range(first + 1, len(known.completed_ns)):
        started, completed = known.started_ns[index], known.completed_ns[index]
        if completed <= 0 or known.failures.get(index) != failure:
            return index
        if known.seqs[index] != known.seqs[index - 1] + 1:
            return index
        started_min, started_max = min(started_min, started), max(started_max, started)
        completed_min, completed_max = min(completed_min, completed), max(completed_max, completed)
        if started_max - started_min > SENT_WITHIN_NS:
            return index
        if completed_max - completed_min > tolerance.allowed_ns(completed_min - intended_ns):
            return index
    return len(known.completed_ns)
