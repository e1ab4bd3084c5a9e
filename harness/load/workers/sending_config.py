"""The configuration that a Locust worker passes to the process that sends its record batches."""

from __future__ import annotations

from typing import Any

from harness.load.send.computed.config import ComputedConfig, FromGenerator
from harness.load.send.record_batches.config import RecordBatchesConfig, SendingConfig
from harness.load.workers.config import LoadConfig
from harness.load.workers.roster import Assignment
from harness.load.workers.source import ComputedSource, RecordBatchesSource


def sending_config(
    config: LoadConfig, source: RecordBatchesSource | ComputedSource, assignment: Assignment
) -> SendingConfig:
    """This worker's part of the load."""
    common = _common(config, source, assignment)
    if isinstance(source, RecordBatchesSource):
        return RecordBatchesConfig(trace=source.trace, **common)
    return ComputedConfig(
        source=FromGenerator(generate=source.generate, seed=source.seed, span_ms=source.span_ms),
        batch_bytes=source.batch_bytes,
        **common,
    )


def _common(
    config: LoadConfig, source: RecordBatchesSource | ComputedSource, assignment: Assignment
) -> dict[str, Any]:
    return {
        "endpoints": config.endpoints,
        "topic": config.topic,
        "history": config.history,
        "progress": config.progress,
        "worker": assignment.share.worker,
        "clocks": assignment.clocks(config.clocks),
        "events": source.events,
        "duration_s": source.duration_s,
        "schedule": source.schedule,
        "share": assignment.share,
        "acks": config.acks,
        "producers": config.users,
        "flush_timeout_s": config.flush_timeout_s,
        "stop_timeout_s": config.stop_timeout_s,
    }
