"""A flight: neighbouring events that were handed to the client together, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from confluent_kafka import KafkaError, Message

from harness.load.replay_outcome import NO_REPORT, Failure, failure_of
from harness.load.wire.replay import Completion


class Flight:
    """Counts reports, and looks closely only at those that are errors.

    The client reports on each message, in ``report``; that costs 0.2 us each, and no more than that is spent
    on an event that was acknowledged. When the last report came, all have completed: the others before it.
    """

    __slots__ = ("_failures", "_now_ns", "_places", "completed_ns", "open", "payloads")

    def __init__(self, payloads: Sequence[bytes], now_ns: Callable[[], int]) -> None:
        self.payloads, self._now_ns = payloads, now_ns
        self.open = len(payloads)
        """Events whose outcome is not known."""
        self.completed_ns = 0
        self._failures: dict[int, Failure] = {}
        self._places: dict[bytes, list[int]] | None = None

    def report(self, error: KafkaError | None, message: Message) -> None:
        """The client's report on one event."""
        self.open -= 1
        if error is not None:
            self._failures[self._place_of(message.value())] = failure_of(error)
        if not self.open:
            self.completed_ns = self._now_ns()

    def refused(self, place: int, failure: Failure) -> None:
        """The client did not take an event, and will not report on it."""
        self.open -= 1
        self._failures[place] = failure
        if self._places is not None:
            self._places[self.payloads[place]].remove(place)
        if not self.open:
            self.completed_ns = self._now_ns()

    def cut(self, place: int) -> None:
        """The events from this one on are not handed over any more: they are no part of it."""
        self.open -= len(self.payloads) - place
        self.payloads = self.payloads[:place]
        if not self.open:
            self.completed_ns = self._now_ns()

    def give_up(self) -> None:
        """The client has said nothing of some events, and cannot be asked any more. Which, is not known."""
        self.completed_ns = self._now_ns()
        if self.open:
            for place in range(len(self.payloads)):
                self._failures.setdefault(place, NO_REPORT)
            self.open = 0

    def completions(self, first_number: int, *, intended_ns: int, started_ns: int) -> Iterator[Completion]:
        """Its ranges: neighbours with the same outcome, once no event is open."""
        for failure, places in groupby(range(len(self.payloads)), self._failures.get):
            found = list(places)
            yield Completion(
                partition=-1,
                first_number=first_number + found[0],
                count=len(found),
                bytes=sum(len(self.payloads[place]) for place in found),
                intended_ns=intended_ns,
                started_ns=started_ns,
                completed_ns=self.completed_ns,
                outcome="ok" if failure is None else failure.outcome,
                error="" if failure is None else failure.error,
            )

    def _place_of(self, payload: bytes | str | None) -> int:
        """Where the event stands that the client means; of several with the same bytes, any will do."""
        if self._places is None:
            self._places = {}
            for place, own in enumerate(self.payloads):
                if place not in self._failures:
                    self._places.setdefault(own, []).append(place)
        found = self._places[payload if isinstance(payload, bytes) else b""]
        return found.pop()
