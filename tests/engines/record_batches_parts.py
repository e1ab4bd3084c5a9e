"""Processes that send whole batches, and what their checks say, for tests on a real Kafka."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.base.clocks import Clocks
from harness.base.event_clock import origin_for
from harness.base.run_clock import RunClock
from harness.base.waiting import wait_until
from harness.history.progress import LoadProgress
from harness.history.reader import History
from harness.history.schema import TABLES
from harness.judge.measure.measurement import Measurement
from harness.load.send.computed.config import ComputedConfig, FromGenerator
from harness.load.send.record_batches.config import RecordBatchesConfig, SendingConfig
from harness.load.send.record_batches.encode import Event, encode
from harness.load.send.record_batches.trace import TraceWriter, index_of
from harness.load.traces.generate.model import Generate, Popularity, Sessions
from harness.observe.readback.record_batches import read_back_record_batches
from harness.scenario.model import Load
from harness.scenario.profiles.constant import Constant
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from tests.core.histories import RECORD_BATCH_CHECKS, run_info, scenario

BATCH_EVENTS = 2000
EVENT_BYTES = 230
STALLED_POLLS = 4
"""At one a second, the same number so often."""
MEASURED_S = 60.0
SPAN_MS = 3_600_000


def write_trace(path: Path, *, partitions: int, batches: int) -> Path:
    """Batches of events that look like those of the contract, to each partition in turn."""
    letters = random.Random(1)
    text = json.dumps({"event_id": "{}", "filling": "".join(letters.choices("abcdefgh", k=EVENT_BYTES - 40))})
    writer = TraceWriter(path)
    for batch in range(batches):
        events = [
            Event(b"key", text.replace("{}", f"{batch}-{n}").encode(), batch * 10 + n % 10)
            for n in range(BATCH_EVENTS)
        ]
        writer.add(encode(events, "snappy"), batch % partitions)
    writer.close("test", partitions=partitions)
    return path


def record_batches_config(
    folder: Path, kafka: KafkaEndpoint, topic: str, trace: Path, *, events: int
) -> RecordBatchesConfig:
    """As fast as the platform takes it, from now."""
    config = RecordBatchesConfig(trace=trace, **_common(folder, kafka, topic, events=events))
    (folder / "encoded").mkdir()
    (folder / "encoded" / "trace.parquet").symlink_to(index_of(trace))
    return config


def computed_config(folder: Path, kafka: KafkaEndpoint, topic: str, *, events: int) -> ComputedConfig:
    """Visits with Zipf popularity and sessions, as fast as the platform takes them, from now."""
    visits = Generate(entities=100_000, popularity=Popularity(zipf=1.1), sessions=Sessions(length=8.0))
    return ComputedConfig(
        source=FromGenerator(generate=visits, seed=1, span_ms=SPAN_MS),
        **_common(folder, kafka, topic, events=events),
    )


def _common(folder: Path, kafka: KafkaEndpoint, topic: str, *, events: int) -> dict[str, Any]:
    folder.mkdir()
    Endpoints((kafka,)).save(folder / "endpoints.json")
    clock = RunClock.start()
    return {
        "endpoints": folder / "endpoints.json",
        "topic": topic,
        "history": folder,
        "progress": folder / "load",
        "clocks": Clocks(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=clock.now_ns(),
            origin_ms=origin_for(span_ms=SPAN_MS, start_unix_ms=clock.epoch_unix_ns // 1_000_000),
            time_scale=1.0,
        ),
        "events": events,
    }


class RecordBatchesProcess:
    """The process of a load."""

    def __init__(self, config: SendingConfig, process: subprocess.Popen[bytes]) -> None:
        self.config, self.process = config, process

    def wait_until_sent(self, events: int) -> None:
        """Return once so many events are known to be somewhere or nowhere."""

        def sent() -> bool:
            assert self.process.poll() is None, self.log()
            progress = LoadProgress.load(self.config.progress)
            return progress is not None and progress.sent >= events

        wait_until(sent, timeout_s=60, what=f"{events} events to be sent", last_seen=self.log)

    def wait_until_stalled(self) -> None:
        """Return once nothing has been acknowledged for three seconds."""
        seen: list[int] = []

        def stalled() -> bool:
            assert self.process.poll() is None, self.log()
            progress = LoadProgress.load(self.config.progress)
            seen.append(progress.sent if progress is not None else -1)
            return len(seen) > STALLED_POLLS and len(set(seen[-STALLED_POLLS:])) == 1

        wait_until(stalled, timeout_s=60, what="the load to stall", poll_s=1.0, last_seen=self.log)

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(timeout=120)

    def log(self) -> str:
        """What the process printed."""
        return (self.config.history / "load.log").read_text()


@contextmanager
def record_batches_load(config: SendingConfig) -> Iterator[RecordBatchesProcess]:
    """The load's process, which does not outlive the block."""
    config.save(config.history / "record_batches.json")
    module = (
        "harness.load.send.record_batches"
        if isinstance(config, RecordBatchesConfig)
        else "harness.load.send.computed"
    )
    argv = [sys.executable, "-m", module, "--config", str(config.history / "record_batches.json")]
    with (config.history / "load.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield RecordBatchesProcess(config, process)
    finally:
        process.kill()
        process.wait()


def measured(config: SendingConfig, kafka: KafkaEndpoint) -> dict[str, Measurement]:
    """What the product's own checks say of the topic and of what was recorded, by name."""
    read_back_record_batches(kafka, config.topic, history=config.history, report=lambda _: None)
    tables = {
        name: _table(config.history / name) for name in ("operations", "encoded", "readback_record_batches")
    }
    history = History.from_tables(
        scenario=scenario(load=_load_of(config)),
        info=run_info(origin_ms=config.clocks.origin_ms),
        tables=tables,
    )
    return {check.name: check.measure(history) for check in RECORD_BATCH_CHECKS}


def _load_of(config: SendingConfig) -> Load:
    """One of which so many events are due, whatever its pace was."""
    return Load(
        trace=Path("t.yaml"),
        event_span=MEASURED_S,
        duration=MEASURED_S,
        path="record_batches" if isinstance(config, RecordBatchesConfig) else "computed",
        profile=Constant(rate=config.events / MEASURED_S),
    )


def _table(folder: Path) -> pa.Table:
    parts = [pq.read_table(part) for part in sorted(folder.glob("*.parquet"))]
    return pa.concat_tables([part.cast(TABLES[folder.name]) for part in parts])
