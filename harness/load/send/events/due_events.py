"""Neighbouring events of the plan that came due together, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, Message

from harness.load.send.events.ranges import Completions, Range, coalesce
from harness.load.send.outcomes import Failure, failure_of

_PENDING: Final = 0
_RECORDED: Final = -1


class DueEvents:
    """Its lists are parallel: one entry per event, in the plan's order."""

    __slots__ = (
        "_completed_ns",
        "_failures",
        "_pending",
        "event_times_ms",
        "intended_ns",
        "keys",
        "opened_ns",
        "payloads",
        "seqs",
        "started_ns",
    )

    def __init__(
        self,
        *,
        seqs: Sequence[int],
        keys: Sequence[bytes],
        payloads: Sequence[bytes],
        event_times_ms: Sequence[int],
        intended_ns: Sequence[int],
        opened_ns: int,
    ) -> None:
        self.seqs, self.keys, self.payloads = seqs, keys, payloads
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
        """Whether the outcome of every event is known."""
        return self._pending == 0

    def delivered(self, index: int, error: KafkaError | None, message: Message) -> None:
        """The client's report on one event. The client measured the latency, however late this is called."""
        self._completed_ns[index] = self.started_ns[index] + int((message.latency() or 0.0) * 1e9)
        if error is not None:
            self._failures[index] = failure_of(error.code(), error.name())
        self._pending -= 1

    def settle(self, index: int, failure: Failure, at_ns: int) -> None:
        """Set the outcome of an event that the client will not report on, unless it has one already."""
        if self._completed_ns[index] == _PENDING:
            self._completed_ns[index] = at_ns
            self._failures[index] = failure
            self._pending -= 1

    def take_ranges(self) -> list[Range]:
        """The ranges that became known since the last call."""
        ranges = coalesce(
            Completions(
                seqs=self.seqs,
                intended_ns=self.intended_ns,
                started_ns=self.started_ns,
                completed_ns=self._completed_ns,
                failures=self._failures,
            )
        )
        for known in ranges:
            self._completed_ns[known.first : known.last + 1] = [_RECORDED] * (known.last - known.first + 1)
        return ranges
