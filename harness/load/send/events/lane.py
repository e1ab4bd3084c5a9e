"""A lane of a replay: one producer and the events that go through it, in order, never lost in silence."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from harness.load.send.events.batch import Batch
from harness.load.send.events.outcome import refusal_of

_LOG: Final = logging.getLogger(__name__)
_RENEWAL_PAUSE_NS: Final = 1_000_000_000


class Lane:
    """Events wait in the lane until the client takes them; the client reports on each in ``poll``.

    ``make_producer`` is called again when the client says that the producer is beyond use.
    """

    def __init__(
        self,
        topic: str,
        producer: Producer,
        make_producer: Callable[[], Producer],
        now_ns: Callable[[], int],
    ) -> None:
        self._topic, self._make_producer, self._now_ns = topic, make_producer, now_ns
        self._waiting: deque[tuple[Batch, Sequence[int]]] = deque()
        self._retired: list[Producer] = []
        self._producer, self._renewed_ns = producer, now_ns()

    @property
    def waiting(self) -> int:
        """Events that the client has not taken yet."""
        return sum(len(indices) for _, indices in self._waiting)

    @property
    def outstanding(self) -> int:
        """Events of which the client has not reported yet."""
        return sum(len(producer) for producer in (self._producer, *self._retired))

    @property
    def waiting_since_ns(self) -> int | None:
        """When the oldest event that waits here should have been sent; None when none waits."""
        if not self._waiting:
            return None
        batch, indices = self._waiting[0]
        return batch.intended_ns[indices[0]]

    def offer(self, batch: Batch, indices: Sequence[int]) -> None:
        """Queue these events of a batch behind all earlier ones."""
        if indices:
            self._waiting.append((batch, indices))

    def send(self) -> int:
        """Hand to the client what it takes now; the rest stays, in order. Returns how many it took."""
        taken = 0
        while self._waiting:
            batch, indices = self._waiting.popleft()
            count = self._send(batch, indices)
            taken += count
            if count < len(indices):
                self._waiting.appendleft((batch, indices[count:]))
                break
        return taken

    def poll(self) -> None:
        """Take the client's reports without waiting for any."""
        for producer in (self._producer, *self._retired):
            self._poll(producer)
        self._retired = [producer for producer in self._retired if len(producer)]

    def _poll(self, producer: Producer) -> None:
        """A client that finds itself beyond use raises that once, from any poll; its reports still come."""
        try:
            producer.poll(0)
        except KafkaException as exception:
            error: KafkaError = exception.args[0]
            if not _is_fatal(error):
                raise
            if producer is self._producer:
                self._renew(error)

    def abandon(self) -> None:
        """Drop what waits, and have the client report at once on what it holds: unknown."""
        self._waiting.clear()
        for producer in (self._producer, *self._retired):
            producer.purge()

    def _send(self, batch: Batch, indices: Sequence[int]) -> int:
        produce, started_ns, now_ns = self._producer.produce, batch.started_ns, self._now_ns()
        for count, index in enumerate(indices):
            started_ns[index] = now_ns
            try:
                produce(
                    self._topic,
                    batch.payloads[index],
                    batch.keys[index],
                    -1,  # The partitioner chooses by the key.
                    partial(batch.delivered, index),
                    timestamp=batch.event_times_ms[index],
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
                batch.settle(index, refusal_of(error), now_ns)
        return len(indices)

    def _renew(self, error: KafkaError) -> None:
        """Replace a producer that the client declared dead, once a second at most."""
        if self._now_ns() - self._renewed_ns < _RENEWAL_PAUSE_NS:
            return
        _LOG.warning("the producer is replaced: %s", error)
        self._producer.purge()
        self._retired.append(self._producer)
        self._producer, self._renewed_ns = self._make_producer(), self._now_ns()


def _is_fatal(error: KafkaError) -> bool:
    """Whether the producer is beyond use: what it holds is reported on, and it takes nothing more."""
    return error.fatal() or error.code() == KafkaError._FATAL
