"""Makes readers' requests in the order in which they arrive, and records how each ended.

The loop is open: when a request arrives, and what it asks for, follows from the seed and the plan alone. Each
user has one request under way; while all users do, arriving requests wait, and their latency counts from
their arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.history.operations import OperationsWriter
from harness.load.readers.arrivals import Arrival
from harness.load.readers.protocol import Answer, ReaderKind, Request
from harness.load.readers.sent_events import SentEvents

_STOPPED: Final = Answer(outcome="unknown", error="stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A request and when it should be made, in nanoseconds since the run's epoch."""

    kind: str
    request: Request
    intended_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A request that was made. Its response time counts from the intended start."""

    operation: str
    answer: Answer
    response_ms: float


class Reading:
    """Everything of the readers but the passing of time, which Locust's users bring about."""

    def __init__(
        self,
        *,
        arrivals: Iterator[Arrival],
        kinds: Mapping[str, ReaderKind[Any]],
        clients: Mapping[str, Any],
        sent: SentEvents,
        rng: Random,
        operations: OperationsWriter,
        now_ns: Callable[[], int],
    ) -> None:
        self._arrivals, self._kinds, self._clients = arrivals, kinds, clients
        self._sent, self._rng, self._now_ns = sent, rng, now_ns
        self._operations = operations
        self._exhausted = False
        self._under_way = 0

    @property
    def done(self) -> bool:
        """Whether every request has arrived, was made and is recorded."""
        return self._exhausted and not self._under_way

    def next_turn(self) -> Turn | None:
        """The next request by arrival, which the caller must perform; None after the last."""
        arrival = next(self._arrivals, None)
        if arrival is None:
            self._exhausted = True
            return None
        self._under_way += 1
        request = self._kinds[arrival.kind].next_request(self._rng, self._sent, arrival.intended_ns)
        return Turn(kind=arrival.kind, request=request, intended_ns=arrival.intended_ns)

    def wait_s(self, turn: Turn) -> float:
        """How long until a request is to be made; 0 when it is late."""
        return max(0.0, (turn.intended_ns - self._now_ns()) / 1e9)

    def perform(self, turn: Turn) -> Done:
        """Make a request and record it. One that is cut short is recorded too, as unknown."""
        kind, answer, started_ns = self._kinds[turn.kind], _STOPPED, self._now_ns()
        try:
            answer = kind.perform(self._clients[turn.kind], turn.request)
        finally:
            completed_ns = self._now_ns()
            self._record(kind.operation, turn, answer, started_ns, completed_ns)
            self._under_way -= 1
        response_ms = (completed_ns - turn.intended_ns) / 1e6
        return Done(operation=kind.operation, answer=answer, response_ms=response_ms)

    def flush(self) -> None:
        """Write rows that are about a second old."""
        self._operations.flush_if_due()

    def close(self) -> None:
        """Write all remaining rows."""
        self._operations.close()

    def _record(self, operation: str, turn: Turn, answer: Answer, started_ns: int, completed_ns: int) -> None:
        self._operations.add(
            kind=operation,
            first_seq=turn.request.seq,
            last_seq=turn.request.seq,
            partition=-1,
            count=1,
            bytes=answer.bytes,
            intended_ns=turn.intended_ns,
            started_ns=started_ns,
            completed_ns=completed_ns,
            outcome=answer.outcome,
            error=answer.error,
        )
