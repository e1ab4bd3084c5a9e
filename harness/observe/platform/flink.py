"""Queries Flink's JobManager about the stream job, over its REST API with short time-outs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx

_ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED", "SUSPENDED"})


class JobsUnknown(Exception):
    """The JobManager did not answer, or not as expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """The combined state of all jobs of the cluster that have not ended."""

    running: bool
    """Whether there is at least one job, and every task of every job runs."""
    restarts: int
    checkpoints_completed: int
    newest_checkpoint: int
    """The number of the newest completed checkpoint, the smallest of several jobs'; 0 when there is none."""


class FlinkJobs:
    """A client of one JobManager."""

    def __init__(
        self, rest_url: str, *, timeout_s: float = 2.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._client = httpx.Client(
            base_url=rest_url, timeout=timeout_s, trust_env=False, transport=transport
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def state(self) -> JobState:
        """Return the current state of the jobs. Raises ``JobsUnknown``."""
        jobs = [job for job in self._get("/jobs/overview")["jobs"] if job["state"] not in _ENDED]
        checkpoints = [self._get(f"/jobs/{job['jid']}/checkpoints") for job in jobs]
        return JobState(
            running=bool(jobs) and all(_runs(job) for job in jobs),
            restarts=sum(self._restarts(job["jid"]) for job in jobs),
            checkpoints_completed=sum(c["counts"]["completed"] for c in checkpoints),
            newest_checkpoint=min((_newest(c) for c in checkpoints), default=0),
        )

    def _restarts(self, job: str) -> int:
        values = self._get(f"/jobs/{job}/metrics", get="numRestarts")
        return int(float(values[0]["value"])) if values else 0

    def _get(self, path: str, **query: str) -> Any:
        try:
            return self._client.get(path, params=query).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise JobsUnknown(f"{path}: {error}") from error


def _runs(job: dict[str, Any]) -> bool:
    tasks = job["tasks"]
    return bool(job["state"] == "RUNNING" and tasks["running"] + tasks["finished"] == tasks["total"])


def _newest(checkpoints: dict[str, Any]) -> int:
    newest = checkpoints["latest"]["completed"]
    return int(newest["id"]) if newest else 0
