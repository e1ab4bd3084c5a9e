"""Runs a bounded Flink job to its end, and says how long it worked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from harness.base.report import Report
from pipeline.base.endpoints import FlinkEndpoint
from pipeline.base.errors import FlinkFailed, JobFailed
from pipeline.stream.deployment import StreamDeployment
from pipeline.stream.jobs import JobManager
from pipeline.stream.render import JobDefinition

_POLL_S: Final = 0.5
_SIGN_OF_LIFE_S: Final = 10.0
_TIMEOUT_S: Final = 3600.0
_REQUEST_TIMEOUT_S: Final = 30.0
_NAME_LENGTH: Final = 300
"""Of a task: Flink writes out all that it computes."""
_ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """A job that has finished."""

    run_s: float
    """From when its source ran until it had finished, by the JobManager's clock.

    The job itself counts as running while its tasks are still being deployed, so its source is asked. The end
    is that of the last checkpoint, which commits what the sinks hold.
    """
    tasks: tuple[str, ...]
    """What ran, from the source to the sinks: operators that were chained are one task."""


def run_to_end(flink: FlinkEndpoint, job: JobDefinition, report: Report) -> JobRun:
    """Start the job, wait until it has finished. Raises FlinkFailed and its kinds when it does not."""
    job_id = StreamDeployment(flink).start(job)
    with httpx.Client(base_url=flink.rest_url, timeout=_REQUEST_TIMEOUT_S, trust_env=False) as client:
        details = _wait_until_ended(client, job_id, report)
        if details["state"] != "FINISHED":
            with JobManager(flink.rest_url) as manager:
                reason = manager.last_failure(job_id)
            raise JobFailed(f"job {details['name']} is {details['state']}: {reason}")
        # Vertices come in the order in which events flow.
        times = _get(client, f"/jobs/{job_id}/vertices/{details['vertices'][0]['id']}/subtasktimes")
    began_ms = min(subtask["timestamps"]["RUNNING"] for subtask in times["subtasks"])
    return JobRun(
        run_s=(details["timestamps"]["FINISHED"] - began_ms) / 1000,
        tasks=tuple(vertex["name"][:_NAME_LENGTH] for vertex in details["vertices"]),
    )


def _wait_until_ended(client: httpx.Client, job_id: str, report: Report) -> dict[str, Any]:
    began_s = reported_s = time.monotonic()
    while (now_s := time.monotonic()) - began_s < _TIMEOUT_S:
        details = _get(client, f"/jobs/{job_id}")
        if details["state"] in _ENDED:
            return details
        if now_s - reported_s >= _SIGN_OF_LIFE_S:
            report(f"running for {now_s - began_s:.0f} s")
            reported_s = now_s
        time.sleep(_POLL_S)
    raise JobFailed(f"job {job_id} did not end within {_TIMEOUT_S:g} s")


def _get(client: httpx.Client, path: str) -> dict[str, Any]:
    try:
        answer = client.get(path).raise_for_status()
    except httpx.HTTPError as error:
        raise FlinkFailed(f"JobManager: {path}: {error!r}") from error
    found: dict[str, Any] = answer.json()
    return found
