"""Encodes a plan's events into a trace: partitioned by key, in batches, into the cache and only once."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.errors import InvalidInput, Problem
from harness.base.report import Report
from harness.load.murmur2 import partition_of
from harness.load.plan.event_size import MESSAGE_MAX_BYTES
from harness.load.plan.file import PlanFile
from harness.load.send.record_batches.cutting import cut
from harness.load.send.record_batches.encode import Compression, Event, encode
from harness.load.send.record_batches.encoded_batch import EncodedBatch
from harness.load.send.record_batches.trace import TraceWriter, index_of

_COLUMNS: Final = ("seq", "kind", "entity_id", "event_offset_ms", "payload")
CODE: Final = ("cutting.py", "encode.py", "encoded_batch.py", "trace.py", "trace_build.py")
_REPORT_S: Final = 5.0
_KEYS_REMEMBERED: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a trace is encoded."""

    partitions: int
    batch_events: int = 8000
    """At most; fewer where a partition's events end. The broker must accept a batch of that size."""
    compression: Compression = "snappy"
    keyed: bool = True
    """Whether records keep their keys. If not, batches go to the partitions in turn."""
    batch_bytes: int = MESSAGE_MAX_BYTES
    """At most, compressed."""


def trace_file(plan: PlanFile, encoding: Encoding, *, cache: Path, report: Report) -> Path:
    """The plan as batches, from the cache or encoded into it.

    The closing events are left out: where record batches are sent there are no windows to close. Raises
    OSError when there is no room, and InvalidInput when a single event is larger than a batch may be.
    """
    key = _key(plan, encoding)
    target = cache / "encoded" / f"{key}.batches"
    if not index_of(target).is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        _build(target, key, plan, encoding, report)
    return target


def _build(target: Path, key: str, plan: PlanFile, encoding: Encoding, report: Report) -> None:
    """Build in a folder of its own, then move it, the index last: other processes may do the same."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".encoding-", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        with TraceWriter(draft) as writer:
            placed = _placed_events(plan, encoding, report)
            for partition, events in cut(placed, partitions=encoding.partitions, most=encoding.batch_events):
                for batch in _fitting(events, encoding):
                    writer.add(batch, partition)
            facts = writer.close(key, partitions=encoding.partitions)
        draft.replace(target)
        index_of(draft).replace(index_of(target))
    size_mib = target.stat().st_size / 2**20
    took_s = time.monotonic() - began_s
    report(f"encoded {facts.events:,} events into {size_mib:,.0f} MiB of batches in {took_s:.1f} s")


def _fitting(events: list[Event], encoding: Encoding) -> Iterator[EncodedBatch]:
    """One batch, or as many as it takes for none to be larger than allowed."""
    batch = encode(events, encoding.compression)
    if batch.size_bytes <= encoding.batch_bytes:
        yield batch
    elif len(events) > 1:
        middle = len(events) // 2
        yield from _fitting(events[:middle], encoding)
        yield from _fitting(events[middle:], encoding)
    else:
        found = f"an event of {batch.size_bytes:,} bytes as a batch"
        allowed = f"at most {encoding.batch_bytes:,} bytes, which is the broker's message.max.bytes"
        raise InvalidInput([Problem(where="load.trace", found=found, allowed=allowed)])


def _placed_events(plan: PlanFile, encoding: Encoding, report: Report) -> Iterator[tuple[int, Event]]:
    place = _placing(encoding)
    reported_s, done = time.monotonic(), 0
    with pq.ParquetFile(plan.path) as file:
        for sendings in file.iter_batches(columns=list(_COLUMNS)):
            rows = sendings.filter(pc.not_equal(sendings.column("kind").cast(pa.string()), "closing"))
            for key, payload, time_ms in zip(
                _keys(rows),
                rows.column("payload").to_pylist(),
                rows.column("event_offset_ms").to_pylist(),
                strict=True,
            ):
                yield place(key), Event(key.encode() if encoding.keyed else None, payload, time_ms)
            done += rows.num_rows
            if time.monotonic() - reported_s > _REPORT_S:
                reported_s = time.monotonic()
                report(f"encoding {done:,} of {plan.events:,} events")


def _placing(encoding: Encoding) -> Callable[[str], int]:
    """Maps a key to its partition as any Kafka client does, or to the partitions in turn, batch by batch."""
    if encoding.keyed:
        return lru_cache(_KEYS_REMEMBERED)(lambda key: partition_of(key, encoding.partitions))
    number = iter(range(2**63))
    return lambda _: next(number) // encoding.batch_events % encoding.partitions


def _keys(rows: pa.RecordBatch) -> list[str]:
    # A damaged event may have lost its entity; its seq then serves as its key, as on the path events.
    found: list[str] = pc.coalesce(rows.column("entity_id"), rows.column("seq").cast(pa.string())).to_pylist()
    return found


def _key(plan: PlanFile, encoding: Encoding) -> str:
    """The same key, the same batches; and a change of anything that matters changes the key."""
    parts = {"plan": plan.key, "encoding": asdict(encoding), "code": _code_digest()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code_digest() -> str:
    digest = hashlib.sha256(f"aiokafka {version('aiokafka')} cramjam {version('cramjam')}".encode())
    for name in CODE:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()
