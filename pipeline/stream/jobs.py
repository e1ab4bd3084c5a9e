"""A client for Flink's JobManager over REST: lists, monitors and stops jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, TypeVar

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipeline.base.errors import FlinkFailed, JobFailed, NotReady

T = TypeVar("T")

_REQUEST_TIMEOUT_S: Final = 30.0
_ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as the JobManager lists it."""

    id: str
    name: str
    state: str

    @property
    def ended(self) -> bool:
        """Whether the job will never run again."""
        return self.state in _ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """A job's checkpoint statistics. Durations are milliseconds; None before the first checkpoint."""

    completed: int
    failed: int
    restored: int
    last_completed_path: str | None
    last_completed_unix_ms: int | None
    last_duration_ms: int | None


class JobManager:
    """The JobManager's REST API. Methods raise FlinkFailed if it does not answer or refuses."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        # Engines are reached directly; the user's proxy is for other hosts.
        self._client = httpx.Client(
            base_url=url.rstrip("/"), timeout=_REQUEST_TIMEOUT_S, transport=transport, trust_env=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> JobManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def jobs(self, name_prefix: str) -> tuple[Job, ...]:
        """Return the jobs whose name has this prefix, newest first."""
        listed = sorted(self._get("/jobs/overview")["jobs"], key=lambda job: -job["start-time"])
        return tuple(
            Job(id=job["jid"], name=job["name"], state=job["state"])
            for job in listed
            if job["name"].startswith(name_prefix)
        )

    def wait_until_running(self, job_id: str, timeout_s: float) -> None:
        """Wait until every task of the job runs. Raises JobFailed if the job ends or the time is over."""

        def check() -> None:
            job = self._get(f"/jobs/{job_id}")
            if job["state"] in _ENDED and job["state"] != "FINISHED":
                raise JobFailed(f"job {job['name']} is {job['state']}: {self.last_failure(job_id)}")
            waiting = [v["name"] for v in job["vertices"] if v["status"] not in ("RUNNING", "FINISHED")]
            if waiting:
                raise NotReady(f"job {job['name']} is {job['state']}; not running yet: {waiting[0][:100]}")

        try:
            _retrying(timeout_s)(check)
        except NotReady as error:
            reason = self.last_failure(job_id)
            raise JobFailed(f"{error} after {timeout_s:g} s" + (f": {reason}" if reason else "")) from error

    def cancel(self, job_id: str, timeout_s: float) -> None:
        """Cancel a job and wait until it has ended. Raises FlinkFailed."""
        self._send("PATCH", f"/jobs/{job_id}")
        self._wait_until_ended(job_id, timeout_s)

    def stop_with_savepoint(self, job_id: str, timeout_s: float) -> str:
        """Stop a job with a final savepoint and return its path. Raises FlinkFailed."""
        trigger = self._send("POST", f"/jobs/{job_id}/stop", {"drain": False})["request-id"]

        def finished() -> dict[str, Any]:
            answer = self._get(f"/jobs/{job_id}/savepoints/{trigger}")
            if answer["status"]["id"] != "COMPLETED":
                raise NotReady("savepoint in progress")
            return dict(answer["operation"])

        operation = _retry(finished, timeout_s, f"stopping job {job_id}")
        if "location" not in operation:
            cause = operation.get("failure-cause", {}).get("stack-trace", str(operation))
            raise FlinkFailed(f"savepoint of job {job_id} failed: {_innermost(cause)}")
        self._wait_until_ended(job_id, timeout_s)
        return str(operation["location"])

    def dispose(self, path: str, timeout_s: float) -> None:
        """Delete a savepoint or retained checkpoint. Raises FlinkFailed."""
        trigger = self._send("POST", "/savepoint-disposal", {"savepoint-path": path})["request-id"]

        def finished() -> dict[str, Any]:
            answer = self._get(f"/savepoint-disposal/{trigger}")
            if answer["status"]["id"] != "COMPLETED":
                raise NotReady("disposal in progress")
            return dict(answer["operation"])

        operation = _retry(finished, timeout_s, f"disposing of {path}")
        if failure := operation.get("failure-cause"):
            raise FlinkFailed(f"disposing of {path} failed: {_innermost(failure['stack-trace'])}")

    def checkpoints(self, job_id: str) -> Checkpoints:
        """Return the job's checkpoint statistics so far."""
        answer = self._get(f"/jobs/{job_id}/checkpoints")
        last = answer["latest"]["completed"]
        return Checkpoints(
            completed=answer["counts"]["completed"],
            failed=answer["counts"]["failed"],
            restored=answer["counts"]["restored"],
            last_completed_path=last and last["external_path"],
            last_completed_unix_ms=last and last["latest_ack_timestamp"],
            last_duration_ms=last and last["end_to_end_duration"],
        )

    def restarts(self, job_id: str) -> int:
        """Return how often the job has restarted."""
        metrics = self._get(f"/jobs/{job_id}/metrics?get=numRestarts")
        return int(float(metrics[0]["value"])) if metrics else 0

    def operator_counter(self, job_id: str, metric: str) -> int:
        """Return a counter summed over all operators and subtasks since the job's last start."""
        total = 0.0
        for vertex in self._get(f"/jobs/{job_id}")["vertices"]:
            path = f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/metrics"
            names = [m["id"] for m in self._get(path) if m["id"].endswith(f".{metric}")]
            for name in names:
                answer = self._get(path, params={"get": name, "agg": "sum"})
                total += sum(entry["sum"] for entry in answer)
        return round(total)

    def last_failure(self, job_id: str) -> str:
        """Return the innermost cause of the job's last failure; "" if it had none."""
        history = self._get(f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return _innermost(history[0]["stacktrace"]) if history else ""

    def _wait_until_ended(self, job_id: str, timeout_s: float) -> None:
        def check() -> None:
            state = self._get(f"/jobs/{job_id}")["state"]
            if state not in _ENDED:
                raise NotReady(f"job {job_id} is {state}")

        _retry(check, timeout_s, f"job {job_id} to end")

    def _get(self, path: str, params: dict[str, str] | None = None) -> Any:
        return self._answer(self._request("GET", path, params=params))

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._answer(self._request(method, path, json=body))

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        def attempt() -> httpx.Response:
            try:
                return self._client.request(method, path, **arguments)
            except httpx.TransportError as error:
                raise NotReady(f"JobManager: {method} {path}: {error!r}") from error

        return _retry(attempt, _REQUEST_TIMEOUT_S if method == "GET" else 0.0, "JobManager")

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        if answer.is_error:
            raise FlinkFailed(f"JobManager: {answer.request.url.path}: {_innermost(answer.text)}")
        return answer.json()


def _retrying(timeout_s: float) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(NotReady),
        wait=wait_exponential(multiplier=0.05, max=0.5),
        stop=stop_after_delay(timeout_s),
        reraise=True,
    )


def _retry(action: Callable[[], T], timeout_s: float, what: str) -> T:
    try:
        return _retrying(timeout_s)(action)
    except NotReady as error:
        raise FlinkFailed(f"waited {timeout_s:g} s for {what}; last seen: {error}") from error


def _innermost(stack_trace: str) -> str:
    causes = [line for line in stack_trace.splitlines() if line.startswith("Caused by: ")]
    return (causes[-1].removeprefix("Caused by: ") if causes else stack_trace.strip().split("\n")[0])[:1000]
