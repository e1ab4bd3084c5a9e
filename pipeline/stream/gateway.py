"""A client for Flink's SQL Gateway over REST: a session, and one statement per call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipeline.base.errors import FlinkFailed, NotReady, StatementFailed

_REQUEST_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a statement: its rows, and the job that it started, if any."""

    rows: tuple[tuple[Any, ...], ...]
    job_id: str | None


class SqlSession:
    """One session of the SQL Gateway, closed on exit. Jobs that it started keep running.

    Opening waits for the gateway to answer. Raises FlinkFailed if it does not in time.
    """

    def __init__(
        self,
        url: str,
        configuration: Mapping[str, str],
        *,
        ready_timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/v1",
            timeout=_REQUEST_TIMEOUT_S,
            transport=transport,
            # As in jobs.py: there is no proxy between the pipeline and its engines.
            trust_env=False,
        )
        try:
            self._session = self._open(configuration, ready_timeout_s)
        except BaseException:
            self._client.close()
            raise

    def execute(self, statement: str) -> Result:
        """Run one statement to completion, or until its job has started. Raises StatementFailed."""
        started = self._request("POST", f"{self._path}/statements", json={"statement": statement})
        if started.is_error:
            raise StatementFailed(statement, _reason(started))
        operation = started.json()["operationHandle"]
        try:
            return self._results(statement, f"{self._path}/operations/{operation}/result/0")
        finally:
            self._request("DELETE", f"{self._path}/operations/{operation}/close")

    def close(self) -> None:
        """Close the session, which drops its tables and views."""
        try:
            self._request("DELETE", self._path)
        finally:
            self._client.close()

    def __enter__(self) -> SqlSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _path(self) -> str:
        return f"/sessions/{self._session}"

    def _open(self, configuration: Mapping[str, str], timeout_s: float) -> str:
        def attempt() -> str:
            try:
                answer = self._client.post("/sessions", json={"properties": dict(configuration)})
            except httpx.TransportError as error:
                raise NotReady(f"SQL Gateway at {self._client.base_url}: {error!r}") from error
            if answer.is_error:
                raise NotReady(f"SQL Gateway opens no session: {_reason(answer)}")
            return str(answer.json()["sessionHandle"])

        retrying = Retrying(
            retry=retry_if_exception_type(NotReady),
            wait=wait_exponential(multiplier=0.1, max=1.0),
            stop=stop_after_delay(timeout_s),
            reraise=True,
        )
        try:
            return retrying(attempt)
        except NotReady as error:
            raise FlinkFailed(str(error)) from error

    def _results(self, statement: str, path: str) -> Result:
        rows: list[tuple[Any, ...]] = []
        job_id: str | None = None
        while True:
            answer = self._request("GET", path)
            if answer.is_error:
                raise StatementFailed(statement, _reason(answer))
            page = answer.json()
            job_id = page.get("jobID") or job_id
            if page["resultType"] == "NOT_READY":
                time.sleep(_POLL_S)
                continue
            rows += (tuple(row["fields"]) for row in page["results"]["data"])
            if page["resultType"] == "EOS" or (job_id and not page.get("isQueryResult")):
                return Result(rows=tuple(rows), job_id=job_id)
            path = page["nextResultUri"].removeprefix("/v1")

    def _request(self, method: str, path: str, **body: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **body)
        except httpx.TransportError as error:
            raise FlinkFailed(f"SQL Gateway: {method} {path}: {error!r}") from error


def _reason(answer: httpx.Response) -> str:
    """Return the innermost causes of a Java stack trace, which say what happened."""
    try:
        text = "\n".join(answer.json()["errors"])
    except (ValueError, KeyError):
        text = answer.text
    causes = [line.strip() for line in text.splitlines() if line.startswith("Caused by: ")]
    unique = list(dict.fromkeys(cause.removeprefix("Caused by: ") for cause in causes))
    return " <- ".join(reversed(unique[-3:])) or text.strip()[:2000]
