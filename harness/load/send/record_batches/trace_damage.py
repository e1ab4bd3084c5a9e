"""Whether an encoded trace is still what was written: cut files, and batches whose bytes have changed."""

from __future__ import annotations

from pathlib import Path

from aiokafka.record.util import calc_crc32c

from harness.load.send.record_batches.trace import EncodedTrace, index_of


def damage_of(path: Path) -> str:
    """What is wrong with the trace in this file, with its first damaged batch; "" when it is whole.

    Every batch is read: half a GiB a second.
    """
    try:
        trace = EncodedTrace.open(path)
    except (OSError, ValueError) as error:
        return str(error)
    batches = sorted((placed for lane in trace.lanes for placed in lane), key=lambda placed: placed.position)
    for placed in batches:
        if calc_crc32c(placed.batch.records) != placed.batch.records_crc:
            return (
                f"{path}: the batch at byte {placed.position:,} is damaged: its checksum is not the index's"
            )
    return ""


def discard(path: Path) -> None:
    """Remove the trace, its index first: without one there is no trace."""
    index_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
