"""Starts, upgrades, stops and reports the Flink job of one deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.base.endpoints import FlinkEndpoint
from pipeline.base.errors import FlinkFailed, JobFailed
from pipeline.stream.gateway import SqlSession
from pipeline.stream.jobs import Checkpoints, Job, JobManager
from pipeline.stream.render import DEPLOYMENT, JobDefinition

_START_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 60.0
_LATE_DROPPED: Final = "numLateRecordsDropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """The job's status. Counters come from Flink's metrics, which may be ten seconds old."""

    job_id: str
    name: str
    state: str
    restarts: int
    checkpoints: Checkpoints
    ended: bool
    late_dropped: int
    """Events that Flink itself dropped as late since its last start. Zero unless late_events is ``drop``."""


class StreamDeployment:
    """The job at one Flink endpoint. Methods raise FlinkFailed and its subclasses."""

    def __init__(self, endpoint: FlinkEndpoint) -> None:
        self._endpoint = endpoint

    def start(self, definition: JobDefinition) -> str:
        """Start the job, wait until all of it runs, and return its id. A running job is left alone.

        Raises JobFailed if another definition runs; use ``upgrade`` for that.
        """
        with JobManager(self._endpoint.rest_url) as manager:
            if running := self._running(manager):
                if running.name != definition.name:
                    raise JobFailed(
                        f"job {running.name} runs, not {definition.name}: upgrade it, or undeploy"
                    )
                return running.id
            return self._submit(manager, definition, {})

    def upgrade(self, old: JobDefinition, new: JobDefinition) -> str:
        """Stop the job with a savepoint, start the new one from it, and return the new job's id.

        If the new job does not start, the old one continues from the savepoint and JobFailed is raised.
        """
        with JobManager(self._endpoint.rest_url) as manager:
            running = self._running(manager)
            if running is None:
                raise JobFailed("no job runs that could be upgraded")
            if running.name == new.name:
                return running.id
            savepoint = manager.stop_with_savepoint(running.id, _STOP_TIMEOUT_S)
            from_savepoint = {"execution.state-recovery.path": savepoint}
            try:
                return self._submit(manager, new, from_savepoint)
            except FlinkFailed as error:
                self._end(manager)
                self._submit(manager, old, from_savepoint)
                raise JobFailed(f"the old job runs again; the new one did not start: {error}") from error

    def stop(self) -> None:
        """Stop the job and delete its checkpoints. A no-op if none runs."""
        with JobManager(self._endpoint.rest_url) as manager:
            self._end(manager)

    def status(self) -> StreamStatus | None:
        """Return the status of the running or last job; None if there never was one."""
        with JobManager(self._endpoint.rest_url) as manager:
            jobs = manager.jobs(DEPLOYMENT)
            if not jobs:
                return None
            job = self._running(manager) or jobs[0]
            return StreamStatus(
                job_id=job.id,
                name=job.name,
                state=job.state,
                ended=job.ended,
                restarts=0 if job.ended else manager.restarts(job.id),
                checkpoints=manager.checkpoints(job.id),
                late_dropped=0 if job.ended else manager.operator_counter(job.id, _LATE_DROPPED),
            )

    @staticmethod
    def _running(manager: JobManager) -> Job | None:
        return next((job for job in manager.jobs(DEPLOYMENT) if not job.ended), None)

    def _submit(self, manager: JobManager, definition: JobDefinition, extra: Mapping[str, str]) -> str:
        configuration = {**definition.configuration, **extra, "pipeline.name": definition.name}
        with SqlSession(self._endpoint.sql_gateway_url, configuration) as session:
            if definition.jar:
                session.execute(f"ADD JAR '{definition.jar}'")
            for statement in definition.tables:
                session.execute(statement)
            job_id = session.execute(definition.job).job_id
        if job_id is None:
            raise JobFailed(f"{definition.name}: Flink started no job")
        manager.wait_until_running(job_id, _START_TIMEOUT_S)
        return job_id

    def _end(self, manager: JobManager) -> None:
        for job in manager.jobs(DEPLOYMENT):
            if job.ended:
                continue
            last = manager.checkpoints(job.id).last_completed_path
            manager.cancel(job.id, _STOP_TIMEOUT_S)
            last = manager.checkpoints(job.id).last_completed_path or last
            if last:
                manager.dispose(last, _STOP_TIMEOUT_S)
