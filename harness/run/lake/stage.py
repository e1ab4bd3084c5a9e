"""The lake stage of a run: what partners drop, what is registered, and the days that are run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from harness.base.errors import RunError, how_ended
from harness.base.report import Report
from harness.processes.protocol import Processes, ProcessStatus
from harness.run.folder import RunFolder
from harness.run.lake.job import LakeJob, outcome_of, report_event
from harness.run.lake.partner_files import day_of, partner_file
from harness.run.lake.task_recorder import TaskRecorder
from harness.scenario.lake_steps import PROCESS, Drop, LakeStage, Register, Rerun, RunDays
from pipeline.days.tasks.job_events import Event, parse

_TICK_S: Final = 0.1


class Objects(Protocol):
    """The operations of the object store that the stage needs (pipeline/lake/objects.py)."""

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The stage of one run."""

    stage: LakeStage
    folder: RunFolder
    processes: Processes
    origin_ms: int
    seed: int
    objects: Objects
    add_field: Callable[[str], None]
    """Registers a version of the contract of events with this field."""
    recorder: TaskRecorder
    report: Report
    sleep: Callable[[float], None] = time.sleep

    def run(self) -> None:
        """Run every step in order. Raises RunError when a process of the lake fails or is killed."""
        self.recorder.open()
        # A session that is killed leaves its files behind.
        self._temporary.mkdir()
        try:
            self._steps()
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _steps(self) -> None:
        for number, step in enumerate(self.stage.steps, 1):
            match step:
                case Drop():
                    self._drop(step, number)
                case Register(field=field):
                    self.add_field(field)
                    self.report(f"registered a contract with the field {field}")
                case RunDays(days=days, rest=rest, scans=scans):
                    job = self._job(ends=self._dates(days), rest=rest, scans=self._dates(scans))
                    self._run_job(number, job)
                case Rerun(days=days):
                    dates = self._dates(days)
                    self.recorder.contents(number, "before", dates)
                    self._run_job(number, self._job(days=dates))
                    self.recorder.contents(number, "after", dates)

    @property
    def _temporary(self) -> Path:
        return self.folder.path / "tmp"

    def _job(
        self,
        *,
        days: tuple[date, ...] = (),
        ends: tuple[date, ...] = (),
        rest: bool = False,
        scans: tuple[date, ...] = (),
    ) -> LakeJob:
        endpoints, options = self.folder.endpoints, self.folder.pipeline_options
        return LakeJob(endpoints=endpoints, options=options, days=days, ends=ends, rest=rest, scans=scans)

    def _drop(self, step: Drop, number: int) -> None:
        file = partner_file(
            step, number=number, plan=self.folder.plan, origin_ms=self.origin_ms, seed=self.seed
        )
        self.recorder.expect(file.rows)
        self.objects.put(file.key, file.content)
        damage = "" if step.damage == "none" else f" ({step.damage.replace('_', ' ')})"
        self.report(f"{step.partner} dropped {file.key}{damage}")

    def _dates(self, days: Sequence[int]) -> tuple[date, ...]:
        return tuple(day_of(day, self.origin_ms) for day in days)

    def _run_job(self, number: int, job: LakeJob) -> None:
        """Run one process; show and record its events as they come."""
        name, events_file = f"{PROCESS}{number}", self.folder.path / f"{PROCESS}{number}.jsonl"
        argv = [*job.argv, "--events", str(events_file)]
        self.processes.spawn(name, argv, env={"TMPDIR": str(self._temporary)})
        events: list[Event] = []
        for event in self._followed(name, events_file):
            report_event(event, self.report)
            self.recorder.note(event)
            events.append(event)
        outcome_of(events)
        status = self._status(name)
        if status.state == "dead":
            ends = [how_ended(end.exit) for end in status.ends]
            raise RunError(f"{name} {' and '.join(ends) or 'ended'}; see {self.folder.logs / name}.log")

    def _followed(self, name: str, file: Path) -> Iterator[Event]:
        """Yield the events of the process, until it has ended and none is left."""
        offset, rest = 0, b""
        while True:
            ended = self._status(name).state in {"dead", "stopped"}
            found = _from(file, offset)
            offset += len(found)
            *lines, rest = (rest + found).split(b"\n")
            yield from map(parse, lines)
            if ended:
                return
            self.sleep(_TICK_S)

    def _status(self, name: str) -> ProcessStatus:
        (status,) = (status for status in self.processes.status() if status.name == name)
        return status


def _from(file: Path, offset: int) -> bytes:
    if not file.exists():  # the process has not got that far
        return b""
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read()
