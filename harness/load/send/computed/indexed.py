"""Records which batches a computed load consists of, before any of them can be sent.

Each batch is a row of the history's table ``encoded``, as for an encoded trace, so that the same checks judge
what the topic holds. The rows are on disk before the batches are sent, so that it is known which batches a
killed process may have sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.history.writer import TableWriter
from harness.load.send.computed.batches import Placed
from harness.load.send.record_batches.supply import Shipment


def indexed(built: Iterable[Sequence[Placed]], table: TableWriter) -> Iterator[Sequence[Placed]]:
    """The same batches, each chunk's once it is recorded. Raises OSError."""
    for placed in built:
        for partition, shipment in placed:
            table.add(**_row(partition, shipment))
        table.flush()
        yield placed


def _row(partition: int, shipment: Shipment) -> dict[str, int]:
    """As in ENCODED of harness/history/schema.py, except what concerns a file of batches: there is none."""
    batch = shipment.batch
    return {
        "size": batch.size_bytes,
        "partition": partition,
        "first_event": shipment.first_number,
        "last_event_ms": batch.max_timestamp_ms,
        "count": batch.count,
        "attributes": batch.attributes,
        "base_timestamp_ms": batch.base_timestamp_ms,
        "records_crc": batch.records_crc,
        "records_power": batch.records_power,
    }
