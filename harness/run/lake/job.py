"""A process of the lake: how it is started, and what its events mean."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.base.errors import FloodmarkError, InvalidInput, PlatformError, Problem, RunError
from harness.base.report import Report
from pipeline.days.tasks.job_events import Begins, Cared, Days, Ended, Event, Failed, Ready, Scanned
from pipeline.days.tasks.task import Gate, TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeJob:
    """One process. Without days it lands what is new, and runs every day that is open."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    options: Path
    """Where ``PipelineOptions.save`` did."""
    days: tuple[date, ...] = ()
    """Days to run, open or not, once what is new was landed."""
    ends: tuple[date, ...] = ()
    """For each in turn: land what the source held when that day ended, and run what is open then."""
    rest: bool = False
    """Then land everything that is left, and run what that reopens."""
    scans: tuple[date, ...] = ()
    """Finally, measure what a query for one of these days and one event type reads."""

    @property
    def argv(self) -> Sequence[str]:
        """The command. Secrets are in the file of endpoints alone."""
        files = ["--endpoints", str(self.endpoints), "--options", str(self.options)]
        days = [text for day in self.days for text in ("--day", str(day))]
        ends = [text for day in self.ends for text in ("--end-of", str(day))]
        rest = ["--rest"] if self.rest else []
        scans = [text for day in self.scans for text in ("--scan", str(day))]
        return [sys.executable, "-m", "pipeline.days", *files, *days, *ends, *rest, *scans]


@dataclass(frozen=True, slots=True, kw_only=True)
class CareJob:
    """One process that cares for tables, and runs no day."""

    endpoints: Path
    options: Path
    tables: tuple[str, ...] = ()
    """All tables if none is named."""
    since: date | None = None
    clustered: bool = False

    @property
    def argv(self) -> Sequence[str]:
        """The command."""
        files = ["--endpoints", str(self.endpoints), "--options", str(self.options)]
        tables = [text for table in self.tables for text in ("--table", table)]
        since = ["--since", str(self.since)] if self.since else []
        cluster = ["--cluster"] if self.clustered else []
        return [sys.executable, "-m", "pipeline.days", *files, "--care", *tables, *since, *cluster]


def report_event(event: Event, report: Report) -> None:
    """Report an event for people to read."""
    match event:
        case Ready(after_s=after_s):
            report(f"Spark ready after {after_s:.1f} s")
        case Days(days=days):
            report(f"days to run: {', '.join(map(str, days)) or 'none is open'}")
        case Begins(task=task, day=day):
            report(f"{_where(task, day)} begins")
        case Ended(record=record):
            report(summary(event))
            for file in record.result.refused_files:
                report(f"  refused {file.key}: {file.reason}")
            for note in record.result.notes:
                report(f"  {note}")
        case Scanned():
            files = f"{event.files_read:,} of {event.files_all:,} files"
            report(
                f"a query of {event.query} read {files}, {event.bytes_read:,} of {event.bytes_all:,} bytes"
            )
        case Cared():
            files = f"{event.files_before:,} files are {event.files_after:,}"
            size = f"{event.bytes_before:,} bytes {event.bytes_after:,}"
            deleted = f"{event.files_deleted:,} old files, {event.bytes_deleted:,} bytes"
            report(f"cared for {event.table}: {files}, {size}; deleted {deleted}")
        case Failed(message=message):
            report(f"failed: {message}")


def summary(ended: Ended) -> str:
    """Summarize a task that has ended in one line."""
    record, result = ended.record, ended.record.result
    seconds = (ended.ended_monotonic_ns - ended.began_monotonic_ns) / 1e9
    written = ", ".join(f"{o.rows:,} rows in {o.table}" for o in result.outputs)
    gate = result.gate or Gate(layer=record.task, expectations=())
    failed = f"; its gate failed: {', '.join(gate.failed)}" if gate.failed else ""
    warned = f"; warnings: {', '.join(gate.warnings)}" if gate.warnings else ""
    what = f"{_where(record.task, record.day)} {result.outcome.replace('_', ' ')} after {seconds:.1f} s"
    return f"{what}: {written or 'no table written'}{failed}{warned}"


def outcome_of(events: Iterable[Event]) -> Sequence[TaskRecord]:
    """Return the recorded tasks. Raises a failed process's error as one of the harness's own."""
    records: list[TaskRecord] = []
    for event in events:
        if isinstance(event, Ended):
            records.append(event.record)
        elif isinstance(event, Failed):
            raise _error(event)
    return records


def not_deployed(message: str) -> FloodmarkError:
    """The message of the pipeline's NotDeployed, with what to do."""
    return PlatformError(f"{message}. `floodmark lake deploy` creates what is missing")


def _error(failed: Failed) -> FloodmarkError:
    match failed.error:
        case "NoSuchDay":
            return InvalidInput([Problem(where="--date", found=failed.message, allowed="a day with events")])
        case "Archived" | "DaysArchived":
            allowed = (
                "a day of which nothing is in the archive;"
                " `floodmark lake restore` brings one back beside the tables"
            )
            return InvalidInput([Problem(where="--date", found=failed.message, allowed=allowed)])
        case "SettingsRefused":
            allowed = "files that Endpoints.save and PipelineOptions.save wrote"
            place = "--endpoints or --options of a lake process"
            return InvalidInput([Problem(where=place, found=failed.message, allowed=allowed)])
        case "NotDeployed":
            return not_deployed(failed.message)
        case "TableHeld" | "IncompatibleContract":
            return RunError(failed.message)
        case _:
            return PlatformError(f"the lake: {failed.message}")


def _where(task: str, day: date | None) -> str:
    return task if day is None else f"{task} of {day}"
