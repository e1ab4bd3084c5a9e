"""The SQL Gateway's client, against a gateway that only answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pipeline.base.errors import FlinkFailed, StatementFailed
from pipeline.stream.gateway import SqlSession

STACK = """Internal server error.
<Exception on server side:
org.apache.flink.Outer: outer
\tat somewhere
Caused by: org.apache.flink.Middle: middle
Caused by: org.apache.calcite.Inner: no such table
"""


class Gateway:
    """Answers each path from a list, and remembers what was asked."""

    def __init__(self, answers: dict[str, list[httpx.Response | Exception]]) -> None:
        self.answers, self.asked = answers, list[tuple[str, str]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        if request.method == "DELETE":
            return httpx.Response(200, json={})
        answer = self.answers[request.url.path].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ok(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def page(kind: str, rows: list[list[Any]], **more: Any) -> httpx.Response:
    return ok(resultType=kind, results={"data": [{"fields": row} for row in rows]}, **more)


@pytest.fixture
def connect() -> Callable[..., tuple[Gateway, SqlSession]]:
    def make(*results: httpx.Response | Exception, **more: Any) -> tuple[Gateway, SqlSession]:
        gateway = Gateway(
            {
                "/v1/sessions": [ok(sessionHandle="s")],
                "/v1/sessions/s/statements": [ok(operationHandle="o")],
                "/v1/sessions/s/operations/o/result/0": list(results),
                **more,
            }
        )
        return gateway, SqlSession("http://g", {}, transport=httpx.MockTransport(gateway))

    return make


def test_rows_come_from_every_page(connect: Callable[..., tuple[Gateway, SqlSession]]) -> None:
    second = "/v1/sessions/s/operations/o/result/1"
    first_page = page("PAYLOAD", [[1]], nextResultUri=second)
    _, session = connect(first_page, **{second: [page("EOS", [[2]])]})
    assert session.execute("SELECT 1").rows == ((1,), (2,))


def test_a_result_that_is_not_ready_is_asked_for_again(
    connect: Callable[..., tuple[Gateway, SqlSession]],
) -> None:
    _, session = connect(ok(resultType="NOT_READY"), page("EOS", [["done"]]))
    assert session.execute("SELECT 1").rows == (("done",),)


def test_a_job_need_not_end(connect: Callable[..., tuple[Gateway, SqlSession]]) -> None:
    _, session = connect(page("PAYLOAD", [], jobID="j", isQueryResult=False, nextResultUri="/v1/never"))
    assert session.execute("INSERT INTO t SELECT 1").job_id == "j"


def test_a_refused_statement_says_why(connect: Callable[..., tuple[Gateway, SqlSession]]) -> None:
    _, session = connect(httpx.Response(500, json={"errors": ["Internal server error.", STACK]}))
    with pytest.raises(StatementFailed, match=r"SELECT x .*no such table <- .*middle") as caught:
        session.execute("SELECT x\nFROM nowhere")
    assert caught.value.statement == "SELECT x\nFROM nowhere"


def test_every_operation_is_closed(connect: Callable[..., tuple[Gateway, SqlSession]]) -> None:
    gateway, session = connect(httpx.Response(500, text="broken"))
    with pytest.raises(StatementFailed, match="broken"):
        session.execute("SELECT 1")
    assert gateway.asked[-1] == ("DELETE", "/v1/sessions/s/operations/o/close")


def test_leaving_closes_the_session(connect: Callable[..., tuple[Gateway, SqlSession]]) -> None:
    gateway, session = connect()
    with session:
        pass
    assert gateway.asked[-1] == ("DELETE", "/v1/sessions/s")


def test_a_gateway_that_starts_up_is_waited_for() -> None:
    gateway = Gateway({"/v1/sessions": [httpx.ConnectError("refused"), ok(sessionHandle="s")]})
    with SqlSession("http://g", {}, transport=httpx.MockTransport(gateway)):
        assert gateway.asked == [("POST", "/v1/sessions")] * 2


def test_a_gateway_that_never_answers_is_named() -> None:
    gateway = Gateway({"/v1/sessions": [httpx.ConnectError("refused")]})
    with pytest.raises(FlinkFailed, match=r"http://g.*refused"):
        SqlSession("http://g", {}, ready_timeout_s=0.0, transport=httpx.MockTransport(gateway))


def test_a_gateway_that_goes_away_is_an_error_of_flink(
    connect: Callable[..., tuple[Gateway, SqlSession]],
) -> None:
    _, session = connect(httpx.ReadError("reset"))
    with pytest.raises(FlinkFailed, match="reset"):
        session.execute("SELECT 1")
