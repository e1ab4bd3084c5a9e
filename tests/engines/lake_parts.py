"""A broker, a lake and processes of the lake, for tests of what kills them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from harness.base.waiting import wait_until
from harness.observe.readback.lake import lake_of
from harness.observe.readback.lake_contents import contents
from pipeline.base.endpoints import Endpoints
from pipeline.base.options import PipelineOptions
from pipeline.days.tasks.job_events import Event, parse
from pipeline.lake.objects import Objects

_TIMEOUT_S = 180
REFERENCES = {
    "landing/reference/categories/1.csv": b"category,name\nc,Sea\n",
    "landing/reference/assets/1.csv": b"reference_id,manufacturer,model,year,seats\nN1,B,737,2000,100\n",
}


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of the lake, in a group of its own with all that it starts."""

    running: subprocess.Popen[bytes]
    told: Path
    log: Path

    @property
    def events(self) -> Sequence[Event]:
        """What it has told so far, whole lines alone."""
        text = self.told.read_bytes() if self.told.exists() else b""
        return [parse(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]

    def wait(self) -> int:
        """Its exit code."""
        return self.running.wait(_TIMEOUT_S)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Return as soon as this holds, which the process must live to see."""

        def holds() -> bool:
            assert self.running.poll() is None, f"it ended before {what}: {self.log.read_text()}"
            return condition()

        wait_until(holds, timeout_s=_TIMEOUT_S, what=what, poll_s=0.002)

    def pause(self) -> None:
        """The whole group stands still, by SIGSTOP: Python, Spark, and the thread that renews leases."""
        os.killpg(self.running.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it stood, by SIGCONT."""
        os.killpg(self.running.pid, signal.SIGCONT)

    def kill(self) -> None:
        """The whole group, by SIGKILL."""
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait(_TIMEOUT_S)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A lake of its own on the platform's object store."""

    folder: Path
    endpoints: Endpoints
    objects: Objects

    @staticmethod
    def of(name: str, folder: Path, endpoints: Endpoints) -> Bucket:
        """A new one, with snapshots of the reference tables."""
        own = folder / name
        own.mkdir()
        endpoints = endpoints.replacing(replace(endpoints.object_store, bucket=name))
        endpoints.save(own / "endpoints.json")
        PipelineOptions(deploy=("lake",)).save(own / "options.json")
        objects = Objects(endpoints.object_store)
        objects.create_bucket()
        for key, content in REFERENCES.items():
            objects.put(key, content)
        return Bucket(folder=own, endpoints=endpoints, objects=objects)

    @contextmanager
    def running_day(self, day: date) -> Iterator[Process]:
        """A process that carries the day out, and does not outlive the block."""
        number = len(list(self.folder.glob("*.log")))
        log, told = self.folder / f"{number}.log", self.folder / f"{number}.jsonl"
        files = ("--endpoints", self.folder / "endpoints.json", "--options", self.folder / "options.json")
        argv = [sys.executable, "-m", "pipeline.days", *files, "--day", day.isoformat(), "--events", told]
        with log.open("wb") as output:
            running = subprocess.Popen(
                [str(word) for word in argv],
                env={**os.environ, "TMPDIR": str(self.folder)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        process = Process(running=running, told=told, log=log)
        try:
            yield process
        finally:
            if running.poll() is None:
                process.kill()

    def run_day(self, day: date) -> None:
        """The day, to its end."""
        with self.running_day(day) as process:
            assert process.wait() == 0, (process.events[-1:], process.log.read_text())

    def data_files(self, table: str) -> set[str]:
        """The files of rows in a table's folder, whether a commit holds them or not."""
        keys = self.objects.list(f"{table}/")
        return {key for key in keys if key.endswith(".parquet") and "_delta_log" not in key}

    def commits(self, table: str) -> set[str]:
        """The table's commits."""
        return {key for key in self.objects.list(f"{table}/_delta_log/") if key.endswith(".json")}

    def all_commits(self) -> dict[str, str]:
        """Every commit of every table, with what changes when it is written again."""
        keys = (key for key in self.objects.list("") if "/_delta_log/" in key and key.endswith(".json"))
        return {key: self.objects.etag(key) for key in keys}

    def contents(self, days: Sequence[date]) -> pa.Table:
        """Rows and checksum of these days, by table."""
        return contents(lake_of(self.endpoints.object_store), days).sort_by("table")
