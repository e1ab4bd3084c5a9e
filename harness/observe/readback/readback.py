"""Reads back what the pipeline holds once it has drained: all topics, and the hot store in full.

A step that fails raises; what was read before it is in the history, and what is missing cannot be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
from confluent_kafka import Message

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.history.writer import TableWriter
from harness.observe.platform.offsets import OffsetsUnknown
from harness.observe.readback.hot_rows import HOT_EVENTS, HOT_WINDOWS
from harness.observe.readback.hot_scan import scan
from harness.observe.readback.plan_match import Matcher
from harness.observe.readback.topic_columns import dead_letter_columns, event_columns, window_columns
from harness.observe.readback.topic_reader import TopicReader
from pipeline.contract.topics import EVENTS, EVENTS_DEAD_LETTER, EVENTS_LATE, EVENTS_VALID, WINDOW_RESULTS
from pipeline.endpoints import CassandraEndpoint, Endpoints, KafkaEndpoint

_PART_PREFIX: Final = "readback"
_CHUNK_RECORDS: Final = 250_000
_SCAN_TIMEOUT_S: Final = 60.0

_EVENT_TOPICS: Final[Mapping[str, Callable[[Sequence[Message]], pa.RecordBatch]]] = {
    EVENTS: event_columns,
    EVENTS_VALID: event_columns,
    EVENTS_LATE: event_columns,
    EVENTS_DEAD_LETTER: dead_letter_columns,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """What is read back, and where it goes."""

    endpoints: Endpoints
    plan: Path
    origin_ms: int
    """Of the event clock, by which the plan's offsets become event times."""
    history: Path
    report: Report
    streams: bool
    """Whether the stream path is there; else there is only the source topic to read."""

    def run(self) -> None:
        """Read everything. Raises ``PlatformError`` when a topic or table cannot be read to its end."""
        steps: list[Callable[[], None]] = [lambda: self._events(self.endpoints.kafka)]
        if self.streams:
            steps += [
                lambda: self._windows(self.endpoints.kafka),
                lambda: self._hot(self.endpoints.cassandra),
            ]
        # Most of the time goes into the engines and into code that holds no lock: the steps run side by side.
        with ThreadPoolExecutor(len(steps), thread_name_prefix="read-back") as pool:
            try:
                for step in [pool.submit(step) for step in steps]:
                    step.result()
            except (OffsetsUnknown, *HOT_STORE_ERRORS) as error:
                raise PlatformError(f"read-back: {type(error).__name__}: {error}") from error

    def _events(self, kafka: KafkaEndpoint) -> None:
        with (
            TableWriter(self.history, "readback_events", _PART_PREFIX) as writer,
            Matcher(self.plan, self.origin_ms) as matcher,
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
                self.report(f"read back {records:,} records of {topic}")

    def _windows(self, kafka: KafkaEndpoint) -> None:
        with (
            TableWriter(self.history, "readback_windows", _PART_PREFIX) as writer,
            TopicReader(kafka) as reader,
        ):
            records = 0
            for messages in _chunks(reader.read(reader.spans(WINDOW_RESULTS))):
                writer.write(_by_name(window_columns(messages)))
                records += len(messages)
            self.report(f"read back {records:,} records of {WINDOW_RESULTS}")

    def _hot(self, cassandra: CassandraEndpoint) -> None:
        with hot_session(cassandra, timeout_s=_SCAN_TIMEOUT_S) as session:
            for layout in (HOT_EVENTS, HOT_WINDOWS):
                rows = 0
                with TableWriter(self.history, layout.table, _PART_PREFIX) as writer:
                    for chunk in scan(session, layout.source, layout.key, layout.columns):
                        if chunk:
                            writer.write(layout.by_name(chunk))
                            rows += len(chunk)
                self.report(f"read back {rows:,} rows of {layout.source}")


def _by_name(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def _chunks(batches: Iterable[list[Message]]) -> Iterator[list[Message]]:
    """The same records in chunks that are large enough to be worked on by column."""
    waiting: list[Message] = []
    for messages in batches:
        waiting += messages
        if len(waiting) >= _CHUNK_RECORDS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
