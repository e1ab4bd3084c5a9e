"""Records a lake stage in the history: what it expects, what was run, and what a rerun changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from harness.base.run_clock import RunClock
from harness.history.writer import TableWriter
from pipeline.days.tasks.job_events import Ended, Event, Scanned
from pipeline.days.tasks.task import TaskRecord

_PART_PREFIX = "stage"


class Contents(Protocol):
    """Reads what days hold, table by table (harness/observe/readback/lake_contents.py)."""

    def __call__(self, days: Sequence[date]) -> pa.Table:
        """``table``, ``event_date``, ``rows`` and ``checksum``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecorder:
    """The recorder of one run. Everything is written at once, so that a killed run keeps it."""

    history: Path
    clock: RunClock
    read_contents: Contents

    def open(self) -> None:
        """Create the tables, so that an empty one means that there was nothing."""
        for table in ("partner_rows", "reference_rows", "lake_tasks", "lake_gates", "lake_scans"):
            with TableWriter(self.history, table, _PART_PREFIX):
                pass

    def expect(self, rows: pa.Table) -> None:
        """Record what the lake should derive from a partner's rows."""
        self._write("partner_rows", {name: rows[name].combine_chunks() for name in rows.column_names})

    def refer(self, rows: pa.Table) -> None:
        """Record what a reference table should hold."""
        self._write("reference_rows", {name: rows[name].combine_chunks() for name in rows.column_names})

    def note(self, event: Event) -> None:
        """Record a task that was run, with its gate's results, or what a query read."""
        match event:
            case Ended():
                self._task(event)
                self._gate(event.record)
            case Scanned():
                self._scan(event)

    def contents(self, step: int, moment: Literal["before", "after"], days: Sequence[date]) -> None:
        """Record what days hold, before or after they are run again."""
        found = self.read_contents(days)
        columns = {name: found[name].combine_chunks() for name in found.column_names}
        self._write("lake_contents", {"step": step, "moment": moment, **columns})

    def _task(self, ended: Ended) -> None:
        record, result = ended.record, ended.record.result
        self._write(
            "lake_tasks",
            {
                "task": [record.task],
                "event_date": [record.day],
                "number": [record.number],
                "began_ns": [self._run_ns(ended.began_monotonic_ns)],
                "ended_ns": [self._run_ns(ended.ended_monotonic_ns)],
                "cpu_s": [record.cpu_s],
                "outcome": [result.outcome],
                "rows_read": [result.counts.get("read", 0)],
                "rows_written": [result.counts.get("written", 0)],
                "rows_rejected": [sum(result.rejects.values())],
                "files_written": [sum(output.files for output in result.outputs)],
                "bytes_written": [sum(output.bytes for output in result.outputs)],
            },
        )

    def _gate(self, record: TaskRecord) -> None:
        gate = record.result.gate
        if gate is None or not gate.expectations:
            return
        self._write(
            "lake_gates",
            {
                "layer": gate.layer,
                "event_date": [record.day] * len(gate.expectations),
                "number": record.number,
                **{
                    name: [getattr(expectation, name) for expectation in gate.expectations]
                    for name in ("rule", "severity", "result", "observed", "limit")
                },
            },
        )

    def _scan(self, scanned: Scanned) -> None:
        counts = scanned.model_dump(exclude={"kind", "at_monotonic_ns"})
        self._write("lake_scans", {"at_ns": self._run_ns(scanned.at_monotonic_ns), **counts})

    def _run_ns(self, monotonic_ns: int) -> int:
        """On the run's clock: the platform's processes run on this machine."""
        return monotonic_ns - self.clock.epoch_monotonic_ns

    def _write(self, table: str, columns: dict[str, object]) -> None:
        with TableWriter(self.history, table, _PART_PREFIX) as writer:
            writer.write(columns)
