"""Probes the parts of a Flink cluster with real work, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import httpx

from harness.base.errors import WaitTimeout
from harness.base.waiting import wait_until
from harness.services.protocol import NotReady

_TIMEOUT_S: Final = 10.0
_STATEMENT_TIMEOUT_S: Final = 60.0


def check_jobmanager(rest_url: str) -> None:
    """Require that the dispatcher answers. Raises ``NotReady``."""
    _with(rest_url, lambda client: client.get("/overview"))


def check_taskmanager(rest_url: str, name: str) -> None:
    """Require that it has registered its slots and answers a request forwarded by the JobManager.

    The list alone is not enough: a killed TaskManager stays listed until its heartbeats are missed.
    Raises ``NotReady``.
    """

    def ask(client: httpx.Client) -> httpx.Response:
        listed = _answer(lambda: client.get("/taskmanagers")).get("taskmanagers", ())
        if not any(one["id"] == name and one["slotsNumber"] for one in listed):
            raise NotReady(f"not registered; registered TaskManagers: {[one['id'] for one in listed]}")
        return client.get(f"/taskmanagers/{name}/thread-dump")

    _with(rest_url, ask)


def check_gateway(gateway_url: str, rest_url: str) -> None:
    """Require that a statement runs on the cluster. Raises ``NotReady``."""
    slots = _with(rest_url, lambda client: client.get("/overview"))
    if not slots["slots-total"]:
        raise NotReady("no TaskManager has registered its slots yet")
    # When jobs hold every slot, a query would wait for one; SHOW JOBS reaches the cluster too.
    statement = "SELECT 1" if slots["slots-available"] else "SHOW JOBS"
    with httpx.Client(base_url=f"{gateway_url}/v1", timeout=_TIMEOUT_S, trust_env=False) as client:
        session = _answer(lambda: client.post("/sessions", json={}))["sessionHandle"]
        _run(client, f"/sessions/{session}", statement)
        _answer(lambda: client.delete(f"/sessions/{session}"))


def _run(client: httpx.Client, session: str, statement: str) -> None:
    """Run the statement to the end of its results.

    Closing a query earlier cancels its job, and a TaskManager that receives this while deploying the query's
    sink dies of a NullPointerException (CollectSinkFunction.accumulateFinalResults in Flink 2.3.0).
    """
    request = {"statement": statement}
    operation = _answer(lambda: client.post(f"{session}/statements", json=request))["operationHandle"]
    page = [0]

    def at_end() -> bool:
        result = f"{session}/operations/{operation}/result/{page[0]}?rowFormat=JSON"
        answer = _answer(lambda: client.get(result))
        if uri := answer.get("nextResultUri"):
            page[0] = int(uri.partition("?")[0].rpartition("/")[2])
        return bool(answer["resultType"] == "EOS")

    try:
        wait_until(at_end, timeout_s=_STATEMENT_TIMEOUT_S, what=f"the result of {statement}")
    except WaitTimeout as error:
        raise NotReady(str(error)) from error


def _with(url: str, ask: Callable[[httpx.Client], httpx.Response]) -> dict[str, Any]:
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as client:
        return _answer(lambda: ask(client))


def _answer(ask: Callable[[], httpx.Response]) -> dict[str, Any]:
    try:
        response = ask().raise_for_status()
    except httpx.HTTPError as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error
    answer: dict[str, Any] = response.json()
    return answer
