"""Repeats an encoded trace: its repetitions follow one another in event time and in number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from harness.load.send.record_batches.supply import Shipment
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.share import WHOLE, Share


class TraceSupply:
    """A share of an encoded trace.

    All shares together send at least ``events``; the batch with the last of them is sent whole.
    ``origin_ms`` is the event time of the trace's first moment, in milliseconds since 1970.
    """

    def __init__(self, trace: EncodedTrace, *, events: int, origin_ms: int, share: Share = WHOLE) -> None:
        self._trace, self._events, self._origin_ms = trace, events, origin_ms
        own = [p for p in range(len(trace.lanes)) if share.holds_partition(p)]
        self._lanes = {partition: self._shipments(partition) for partition in own}

    @property
    def partitions(self) -> Sequence[int]:
        """Those of the share."""
        return list(self._lanes)

    async def next(self, partition: int) -> Shipment | None:
        """The partition's next batch; None once enough were sent."""
        return next(self._lanes[partition], None)

    def close(self) -> None:
        """Nothing to do: nobody ever waits."""

    def _shipments(self, partition: int) -> Iterator[Shipment]:
        # One millisecond more than the span, so that no identity occurs twice.
        facts, period_ms = self._trace.facts, self._trace.facts.span_ms + 1
        lane, source = self._trace.lanes[partition], str(self._trace.path)
        for repetition in count() if lane else ():
            for placed in lane:
                number = repetition * facts.events + placed.first_event
                if number >= self._events:
                    return
                yield Shipment(
                    batch=placed.batch,
                    shift_ms=self._origin_ms + repetition * period_ms,
                    first_number=number,
                    first_arrival=number,
                    last_arrival=number + placed.batch.count - 1,
                    source=source,
                )
