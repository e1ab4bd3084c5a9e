"""A lane: one producer and the events that go through it, in order, none of them lost silently."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from harness.load.send.events.due_events import DueEvents
from harness.load.send.outcomes import Failure

_LOG: Final = logging.getLogger(__name__)
_RENEWAL_PAUSE_NS: Final = 1_000_000_000


class ProducerLane:
    """Events wait in the lane until the client accepts them; ``poll`` collects the client's reports.

    ``make_producer`` is called again when the client declares the producer unusable.
    """

    def __init__(
        self,
        topic: str,
        producer: Producer,
        make_producer: Callable[[], Producer],
        now_ns: Callable[[], int],
    ) -> None:
        self._topic, self._make_producer, self._now_ns = topic, make_producer, now_ns
        self._waiting: deque[tuple[DueEvents, Sequence[int]]] = deque()
        self._retired: list[Producer] = []
        self._producer, self._renewed_ns = producer, now_ns()

    @property
    def waiting(self) -> int:
        """Events that the client has not accepted yet."""
        return sum(len(indices) for _, indices in self._waiting)

    @property
    def outstanding(self) -> int:
        """Events that the client has not reported on yet."""
        return sum(len(producer) for producer in (self._producer, *self._retired))

    @property
    def waiting_since_ns(self) -> int | None:
        """When the oldest event that waits here was due; None when none waits."""
        if not self._waiting:
            return None
        due, indices = self._waiting[0]
        return due.intended_ns[indices[0]]

    def offer(self, due: DueEvents, indices: Sequence[int]) -> None:
        """Queue these of the due events behind all earlier ones."""
        if indices:
            self._waiting.append((due, indices))

    def send(self) -> int:
        """Hand the client what it accepts now; the rest stays, in order. Returns how many it accepted."""
        accepted = 0
        while self._waiting:
            due, indices = self._waiting.popleft()
            count = self._send(due, indices)
            accepted += count
            if count < len(indices):
                self._waiting.appendleft((due, indices[count:]))
                break
        return accepted

    def poll(self) -> None:
        """Collect the client's reports without waiting for any."""
        for producer in (self._producer, *self._retired):
            self._poll(producer)
        self._retired = [producer for producer in self._retired if len(producer)]

    def _poll(self, producer: Producer) -> None:
        """An unusable client raises that once, from any poll; its reports keep coming."""
        try:
            producer.poll(0)
        except KafkaException as exception:
            error: KafkaError = exception.args[0]
            if not _is_fatal(error):
                raise
            if producer is self._producer:
                self._renew(error)

    def abandon(self) -> None:
        """Drop what waits, and have the client report everything it holds as unknown, at once."""
        self._waiting.clear()
        for producer in (self._producer, *self._retired):
            producer.purge()

    def _send(self, due: DueEvents, indices: Sequence[int]) -> int:
        produce, started_ns, now_ns = self._producer.produce, due.started_ns, self._now_ns()
        for count, index in enumerate(indices):
            started_ns[index] = now_ns
            try:
                produce(
                    self._topic,
                    due.payloads[index],
                    due.keys[index],
                    -1,  # The partitioner chooses by the key.
                    partial(due.delivered, index),
                    timestamp=due.event_times_ms[index],
                )
            except BufferError:
                started_ns[index] = 0
                return count
            except KafkaException as exception:
                error: KafkaError = exception.args[0]
                if _is_fatal(error):
                    started_ns[index] = 0
                    self._renew(error)
                    return count
                # The client refused it, so it was never sent.
                due.settle(index, Failure(outcome="fail", error=error.name()), now_ns)
        return len(indices)

    def _renew(self, error: KafkaError) -> None:
        """Replace a producer that the client declared dead, at most once a second."""
        if self._now_ns() - self._renewed_ns < _RENEWAL_PAUSE_NS:
            return
        _LOG.warning("replacing the producer: %s", error)
        self._producer.purge()
        self._retired.append(self._producer)
        self._producer, self._renewed_ns = self._make_producer(), self._now_ns()


def _is_fatal(error: KafkaError) -> bool:
    """Whether the producer is unusable: it reports on what it holds, and accepts nothing more."""
    return error.fatal() or error.code() == KafkaError._FATAL
