"""A batch of a replay: neighbouring events of the plan that came due together, and what became of each.

The history records ranges instead of events. A range holds only neighbours that were all sent, had the same
outcome for the same reason, and were sent and completed at nearly the same moment. So an event's outcome is
that of the one range whose ``first_seq`` and ``last_seq`` enclose its seq, whichever user sent it, and
``count`` is always ``last_seq - first_seq + 1``. An event in no range was never handed to the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, Message

from harness.load.replay_outcome import Failure, failure_of

_TOLERANCE_NS: Final = 25_000_000
_TOLERANCE_SHARE: Final = 16
"""How far apart two events of one range may have been sent, or completed: 25 ms, or a sixteenth of the
response time of the range's first event. A range tells the earliest start and the latest completion, so this
is also how much too long an event's latency may be told."""

_PENDING: Final = 0
_RECORDED: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Neighbouring events with one outcome. ``first`` to ``last``, inclusive, count within the batch."""

    first: int
    last: int
    started_ns: int
    completed_ns: int
    failure: Failure | None


def coalesce(
    intended_ns: Sequence[int],
    started_ns: Sequence[int],
    completed_ns: Sequence[int],
    failures: Mapping[int, Failure],
) -> Iterator[Range]:
    """The ranges of the events that have completed; an event whose completion is not positive is in none."""
    first, length = 0, len(completed_ns)
    if length and not failures and _alike(intended_ns, started_ns, completed_ns):
        yield _range(started_ns, completed_ns, None, 0, length)
        return
    while first < length:
        if completed_ns[first] <= 0:
            first += 1
            continue
        end = _end_of_range(intended_ns, started_ns, completed_ns, failures, first)
        yield _range(started_ns, completed_ns, failures.get(first), first, end)
        first = end


def tolerance_ns(response_ns: int) -> int:
    """How far apart the events of a range may be, when its first event took ``response_ns``."""
    return max(_TOLERANCE_NS, response_ns // _TOLERANCE_SHARE)


def _alike(intended_ns: Sequence[int], started_ns: Sequence[int], completed_ns: Sequence[int]) -> bool:
    """The common case, found out quickly: every event completed at about the same moment."""
    soonest = min(completed_ns)
    allowed_ns = tolerance_ns(soonest - max(intended_ns))
    return (
        soonest > 0
        and max(completed_ns) - soonest <= allowed_ns
        and max(started_ns) - min(started_ns) <= allowed_ns
    )


def _end_of_range(
    intended_ns: Sequence[int],
    started_ns: Sequence[int],
    completed_ns: Sequence[int],
    failures: Mapping[int, Failure],
    first: int,
) -> int:
    """The first index after ``first`` that no longer belongs to its range."""
    failure = failures.get(first)
    allowed_ns = tolerance_ns(completed_ns[first] - intended_ns[first])
    started_min = started_max = started_ns[first]
    completed_min = completed_max = completed_ns[first]
    for index in range(first + 1, len(completed_ns)):
        started, completed = started_ns[index], completed_ns[index]
        started_min, started_max = min(started_min, started), max(started_max, started)
        completed_min, completed_max = min(completed_min, completed), max(completed_max, completed)
        if (
            completed <= 0
            or failures.get(index) != failure
            or started_max - started_min > allowed_ns
            or completed_max - completed_min > allowed_ns
        ):
            return index
    return len(completed_ns)


def _range(
    started_ns: Sequence[int], completed_ns: Sequence[int], failure: Failure | None, first: int, end: int
) -> Range:
    return Range(
        first=first,
        last=end - 1,
        started_ns=min(started_ns[first:end]),
        completed_ns=max(completed_ns[first:end]),
        failure=failure,
    )


class Batch:
    """Events ``first_seq`` to ``first_seq + len - 1``. Its lists run in parallel, an entry an event."""

    __slots__ = (
        "_completed_ns",
        "_failures",
        "_pending",
        "event_times_ms",
        "first_seq",
        "intended_ns",
        "keys",
        "opened_ns",
        "payloads",
        "started_ns",
    )

    def __init__(
        self,
        *,
        first_seq: int,
        keys: Sequence[bytes],
        payloads: Sequence[bytes],
        event_times_ms: Sequence[int],
        intended_ns: Sequence[int],
        opened_ns: int,
    ) -> None:
        self.first_seq, self.keys, self.payloads = first_seq, keys, payloads
        self.event_times_ms, self.intended_ns, self.opened_ns = event_times_ms, intended_ns, opened_ns
        self.started_ns = [0] * len(payloads)
        """When each event was handed to the client; 0 before that."""
        self._completed_ns = [_PENDING] * len(payloads)
        self._failures: dict[int, Failure] = {}
        self._pending = len(payloads)

    def __len__(self) -> int:
        return len(self.payloads)

    @property
    def settled(self) -> bool:
        """Whether each event's outcome is known."""
        return self._pending == 0

    def delivered(self, index: int, error: KafkaError | None, message: Message) -> None:
        """The client's report on one event. It measured the latency, however late this is called."""
        self._completed_ns[index] = self.started_ns[index] + int((message.latency() or 0.0) * 1e9)
        if error is not None:
            self._failures[index] = failure_of(error)
        self._pending -= 1

    def settle(self, index: int, failure: Failure, at_ns: int) -> None:
        """What became of an event that the client does not report on. One that has its outcome keeps it."""
        if self._completed_ns[index] == _PENDING:
            self._completed_ns[index] = at_ns
            self._failures[index] = failure
            self._pending -= 1

    def take_ranges(self) -> list[Range]:
        """The ranges that became known since the last call."""
        ranges = list(coalesce(self.intended_ns, self.started_ns, self._completed_ns, self._failures))
        for known in ranges:
            self._completed_ns[known.first : known.last + 1] = [_RECORDED] * (known.last - known.first + 1)
        return ranges
