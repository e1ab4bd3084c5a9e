"""Encoded batches in the form that aiokafka's producer accepts.

``AIOKafkaProducer.send_batch`` takes a builder. It asks the builder for its size and its number of records,
sets the producer's id and sequence once, and asks for the bytes; retries, order, leaders and connections
remain the producer's own.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.load.send.record_batches.encoded_batch import EncodedBatch, ProducerState
from harness.load.send.record_batches.request import StampedBatch


class PreparedBatch:
    """One send of an encoded batch. Given to one producer, once."""

    def __init__(self, batch: EncodedBatch, *, shift_ms: int, now_ns: Callable[[], int] = lambda: 0) -> None:
        self._encoded, self._shift_ms, self._now_ns = batch, shift_ms, now_ns
        self._passed_over = False
        self.freed_ns = 0
        """When it could finally leave the queue; 0 where the platform never kept it there."""
        self._producer = ProducerState()
        self._stamped: StampedBatch | None = None

    def record_count(self) -> int:
        """Records; each uses up one sequence number."""
        return self._encoded.count

    def size(self) -> int:
        """Bytes over the wire."""
        return self._encoded.size_bytes

    def closed(self) -> bool:
        """Always: nothing can be added, so nothing is waited for."""
        return True

    def close(self) -> None:
        """Nothing to do: it always was."""

    def pass_over(self) -> None:
        """The producer sends now, but not this batch: its leader or its partition is busy or unknown."""
        self._passed_over = True

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = ProducerState(id=producer_id, epoch=producer_epoch, sequence=base_sequence)

    def _build(self) -> StampedBatch:
        """A retry sends the very same bytes: the broker recognises them by their sequence."""
        if self._passed_over:
            self._passed_over, self.freed_ns = False, self._now_ns()
        if self._stamped is None:
            header = self._encoded.header(self._shift_ms, self._producer)
            self._stamped = StampedBatch(header, self._encoded.records)
        return self._stamped
