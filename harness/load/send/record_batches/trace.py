"""An encoded trace: its batches in one file, and what is known about each in another.

The batches' records are mapped into memory, not read: a trace larger than memory streams from disk, and the
processes that send the same one share it. Times count from the trace's first moment; each sending of it
shifts them to its own event clock.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka.record.util import calc_crc32c

from harness.history.schema import ENCODED
from harness.load.send.record_batches.encoded_batch import HEADER_BYTES, EncodedBatch, ProducerState

_UNOWNED: Final = ProducerState()

_FACTS: Final = b"floodmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """What an encoded trace records about itself."""

    key: str
    """Identifies what it was made from, and how."""
    events: int
    partitions: int
    span_ms: int
    """How much event time it covers; a repetition is shifted by more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedBatch:
    """A batch, the partition that its keys hash to, and its place in the trace."""

    batch: EncodedBatch
    partition: int
    first_event: int
    """Events before it in the trace."""
    position: int
    """In the file of batches, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedTrace:
    """A trace that can be sent without looking at its events again."""

    path: Path
    facts: TraceFacts
    lanes: Sequence[Sequence[PlacedBatch]]
    """The batches of each partition, in the order in which they are sent."""

    @staticmethod
    def open(path: Path) -> EncodedTrace:
        """Map a trace that ``TraceWriter`` wrote. Raises OSError, or ValueError when it is not one."""
        try:
            index = pq.read_table(index_of(path))
        except pa.ArrowException as error:
            raise ValueError(f"{index_of(path)} is no index of an encoded trace: {error}") from error
        facts = (index.schema.metadata or {}).get(_FACTS)
        if facts is None:
            raise ValueError(f"{path} is not an encoded trace")
        known = TraceFacts(**json.loads(facts))
        lanes: list[list[PlacedBatch]] = [[] for _ in range(known.partitions)]
        rows = index.to_pylist()
        _require_whole(path, rows)
        records = _mapped(path)
        for row in rows:
            lanes[row["partition"]].append(_placed(row, records))
        return EncodedTrace(path=path, facts=known, lanes=lanes)

    @property
    def largest_bytes(self) -> int:
        """Of its batches, over the wire."""
        return max(placed.batch.size_bytes for lane in self.lanes for placed in lane)


class TraceWriter:
    """Writes an encoded trace, which exists only once it is closed without an error: the index comes last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._rows: list[dict[str, int]] = []
        self._events = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, batch: EncodedBatch, partition: int) -> None:
        """Append a batch behind the partition's earlier ones."""
        position = self._file.tell()
        self._file.write(batch.stamped(0, _UNOWNED))
        self._rows.append(
            {
                "position": position,
                "size": batch.size_bytes,
                "partition": partition,
                "first_event": self._events,
                "last_event_ms": batch.max_timestamp_ms,
                "count": batch.count,
                "attributes": batch.attributes,
                "base_timestamp_ms": batch.base_timestamp_ms,
                "records_crc": batch.records_crc,
                "records_power": batch.records_power,
            }
        )
        self._events += batch.count

    def close(self, key: str, *, partitions: int) -> TraceFacts:
        """Write the index. Raises ValueError when there is nothing in the trace."""
        self._file.close()
        if not self._rows:
            raise ValueError("an encoded trace has at least one event")
        facts = TraceFacts(
            key=key,
            events=self._events,
            partitions=partitions,
            span_ms=max(row["last_event_ms"] for row in self._rows),
        )
        table = pa.Table.from_pylist(self._rows, schema=ENCODED)
        metadata = {_FACTS: json.dumps(asdict(facts)).encode()}
        pq.write_table(table.replace_schema_metadata(metadata), index_of(self._path))
        return facts


def index_of(path: Path) -> Path:
    """Where the index of the batches in ``path`` is."""
    return path.with_suffix(".index.parquet")


def damage_of(path: Path) -> str:
    """What is wrong with the trace in this file, naming its first damaged batch; "" when it is intact.

    Reads every batch, at half a GiB a second.
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
    """Remove the trace, its index first: without an index there is no trace."""
    index_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _require_whole(path: Path, rows: Sequence[dict[str, int]]) -> None:
    """Raises OSError, or ValueError when the file is not as long as its batches."""
    size, expected = path.stat().st_size, sum(row["size"] for row in rows)
    if size != expected:
        raise ValueError(f"{path} ends at byte {size:,}, and its {len(rows):,} batches at byte {expected:,}")


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _placed(row: dict[str, int], batches: memoryview) -> PlacedBatch:
    own = {field.name for field in fields(EncodedBatch)} & row.keys()
    end = row["position"] + row["size"]
    batch = EncodedBatch(
        records=batches[row["position"] + HEADER_BYTES : end],
        max_timestamp_ms=row["last_event_ms"],
        **{name: row[name] for name in own},
    )
    return PlacedBatch(
        batch=batch,
        partition=row["partition"],
        first_event=row["first_event"],
        position=row["position"],
    )
