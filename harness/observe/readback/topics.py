"""Reads back the topics once the pipeline has drained.

A failing step raises; what was read before stays in the history, and what is missing cannot be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa
from confluent_kafka import Message

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.history.writer import TableWriter
from harness.observe.platform.offsets import OffsetsUnknown
from harness.observe.readback.plan_match import Matcher
from harness.observe.readback.topic_columns import dead_letter_columns, event_columns, window_columns
from harness.observe.readback.topic_reader import TopicReader
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.contract.topics import EVENTS, EVENTS_DEAD_LETTER, EVENTS_LATE, EVENTS_VALID, WINDOW_RESULTS

_CHUNK_RECORDS: Final = 250_000
PART_PREFIX: Final = "readback"

_EVENT_TOPICS: Final[Mapping[str, Callable[[Sequence[Message]], pa.RecordBatch]]] = {
    EVENTS: event_columns,
    EVENTS_VALID: event_columns,
    EVENTS_LATE: event_columns,
    EVENTS_DEAD_LETTER: dead_letter_columns,
}

Step = Callable[[], None]
"""Reads back one topic or store. Raises PlatformError when it cannot be read in full."""


def read_back(steps: Sequence[Step]) -> None:
    """Run all steps. Raises the ``PlatformError`` of the first that failed."""
    # Steps run in parallel: they spend most of their time in the engines and in code without the GIL.
    with ThreadPoolExecutor(len(steps), thread_name_prefix="read-back") as pool:
        for step in [pool.submit(step) for step in steps]:
            try:
                step.result()
            except OffsetsUnknown as error:
                raise PlatformError(f"read-back: {type(error).__name__}: {error}") from error


def read_back_events(
    kafka: KafkaEndpoint, plan: Path, *, origin_ms: int, history: Path, report: Report
) -> None:
    """Record the topics of events, matched with the plan. ``origin_ms`` is the event clock's origin."""
    with (
        TableWriter(history, "readback_events", PART_PREFIX) as writer,
        Matcher(plan, origin_ms) as matcher,
        TopicReader(kafka) as reader,
    ):
        for topic, columns in _EVENT_TOPICS.items():
            matcher.begin()
            for messages in _chunks(reader.read(reader.spans(topic))):
                matcher.add(columns(messages))
            records = 0
            for batch in matcher.matched():
                writer.write({"topic": topic, **_by_name(batch)})
                records += batch.num_rows
            report(f"read back {records:,} records of {topic}")


def read_back_windows(kafka: KafkaEndpoint, *, history: Path, report: Report) -> None:
    """Record every window result."""
    with TableWriter(history, "readback_windows", PART_PREFIX) as writer, TopicReader(kafka) as reader:
        records = 0
        for messages in _chunks(reader.read(reader.spans(WINDOW_RESULTS))):
            writer.write(_by_name(window_columns(messages)))
            records += len(messages)
        report(f"read back {records:,} records of {WINDOW_RESULTS}")


def _by_name(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def _chunks(batches: Iterable[list[Message]]) -> Iterator[list[Message]]:
    """Regroup the records into chunks large enough for processing by column."""
    waiting: list[Message] = []
    for messages in batches:
        waiting += messages
        if len(waiting) >= _CHUNK_RECORDS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
