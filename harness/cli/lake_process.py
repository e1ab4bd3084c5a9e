"""Runs a lake process for a command, and shows its events as they arrive."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.layers.pipeline_jars import with_lake_jar
from harness.run.lake.job import not_deployed, outcome_of, report_event
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import NotDeployed, PipelineError
from pipeline.base.options import PipelineOptions
from pipeline.days.tasks.job_events import Event, parse
from pipeline.lake.deployed import require_deployed

_END_S: Final = 20.0
"""How long a process may take to exit after SIGTERM."""


class Job(Protocol):
    """The job to run (harness/run/lake/job.py)."""

    @property
    def argv(self) -> Sequence[str]:
        """The command."""
        ...


def run_job(
    endpoints: Endpoints, needs: Collection[str], job: Callable[[Path, Path], Job], *, report: Report
) -> Sequence[Event]:
    """Run a job and return all of its events. ``job`` gets the files with endpoints and options.

    ``needs``: the services on which its parts must be deployed.

    Raises the process's failure as one of the harness's own errors. On an interrupt the process releases what
    it holds before KeyboardInterrupt propagates.
    """
    _require_deployed(endpoints, needs)
    with tempfile.TemporaryDirectory(prefix="floodmark-lake-") as folder:
        options, with_jar = Path(folder, "pipeline.json"), Path(folder, "endpoints.json")
        PipelineOptions(deploy=("stream", "lake")).save(options)
        with_lake_jar(endpoints, report=report).save(with_jar)
        events: list[Event] = []
        try:
            with _process(job(with_jar, options)) as process:
                for line in process.stdout or ():
                    events.append(parse(line))
                    report_event(events[-1], report)
        except KeyboardInterrupt:
            report("interrupted: completed work is kept, and the same command can be run again")
            raise
        outcome_of(events)
        if process.returncode:
            raise PlatformError(f"the lake process ended with {process.returncode}; its output is above")
    return events


def _require_deployed(endpoints: Endpoints, needs: Collection[str]) -> None:
    try:
        require_deployed(endpoints, needs)
    except NotDeployed as error:
        raise not_deployed(str(error)) from error
    except PipelineError as error:
        raise PlatformError(f"the lake: {error}") from error


@contextmanager
def _process(job: Job) -> Iterator[subprocess.Popen[str]]:
    """Run the process; it is stopped when this command ends, however it ends."""
    with subprocess.Popen(job.argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
            process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_END_S)
                except (subprocess.TimeoutExpired, KeyboardInterrupt):  # or a second interrupt
                    process.kill()
                    process.wait()
