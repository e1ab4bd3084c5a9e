"""Schedules readers' requests, performs them in order of arrival, and records their outcomes.

The loop is open: arrivals form a Poisson process, and only the seed and the plan determine when a request
arrives and what it reads. Each user has one request in flight; while all users are busy, arriving requests
wait, and their latency counts from their arrival.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any, Final

from harness.history.operations import OperationsWriter
from harness.load.readers.protocol import Answer, ReaderKind, Request
from harness.load.readers.sent_events import SentEvents
from harness.scenario.profiles.arrivals import arrivals_s
from harness.scenario.profiles.constant import Constant

_NS_PER_S: Final = 1_000_000_000
_SEED_SHIFT: Final = 2**32
"""Added to the seed, which is smaller, so that readers do not arrive exactly when events do."""
_STOPPED: Final = Answer(outcome="unknown", error="stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The arrival of one request."""

    kind: str
    intended_ns: int
    """Since the run's epoch."""


def arrivals(
    *, rate_per_s: float, weights: Mapping[str, int], start_ns: int, duration_s: float, seed: int
) -> Iterator[Arrival]:
    """Yield ``rate_per_s * duration_s`` arrivals from ``start_ns`` on, with kinds drawn by weight."""
    rng = Random(f"{seed} kinds of requests")  # noqa: S311 -- a schedule, not a secret
    kinds, reach = list(weights), list(accumulate(weights.values()))
    curve = Constant(rate=rate_per_s).curve(duration_s)
    for at_s in arrivals_s(curve, "poisson", seed=seed + _SEED_SHIFT).tolist():
        kind = kinds[bisect_right(reach, rng.random() * reach[-1])]
        yield Arrival(kind=kind, intended_ns=start_ns + round(at_s * _NS_PER_S))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A request and its intended start, in nanoseconds since the run's epoch."""

    kind: str
    request: Request
    intended_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedRequest:
    """A completed request. Its response time counts from the intended start."""

    operation: str
    answer: Answer
    response_ms: float


class Reading:
    """The readers' logic, except for waiting, which is left to Locust's users."""

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
        """Whether every request has arrived, been performed and been recorded."""
        return self._exhausted and not self._under_way

    def next_turn(self) -> Turn | None:
        """Return the next request to arrive, which the caller must perform; None after the last."""
        arrival = next(self._arrivals, None)
        if arrival is None:
            self._exhausted = True
            return None
        self._under_way += 1
        request = self._kinds[arrival.kind].next_request(self._rng, self._sent, arrival.intended_ns)
        return Turn(kind=arrival.kind, request=request, intended_ns=arrival.intended_ns)

    def wait_s(self, turn: Turn) -> float:
        """The time until a request's intended start; 0 if that has passed."""
        return max(0.0, (turn.intended_ns - self._now_ns()) / 1e9)

    def perform(self, turn: Turn) -> CompletedRequest:
        """Perform and record a request. An interrupted one is recorded as unknown."""
        kind, answer, started_ns = self._kinds[turn.kind], _STOPPED, self._now_ns()
        try:
            answer = kind.perform(self._clients[turn.kind], turn.request)
        finally:
            completed_ns = self._now_ns()
            self._record(kind.operation, turn, answer, started_ns, completed_ns)
            self._under_way -= 1
        response_ms = (completed_ns - turn.intended_ns) / 1e6
        return CompletedRequest(operation=kind.operation, answer=answer, response_ms=response_ms)

    def flush(self) -> None:
        """Write rows once they are about a second old."""
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
