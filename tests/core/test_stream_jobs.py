"""The JobManager's client and the job's life, against a JobManager that only answers."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from pipeline.base.errors import FlinkFailed, JobFailed
from pipeline.stream.gateway import SqlSession
from pipeline.stream.jobs import Job, JobManager

FAILURE = {"exceptionHistory": {"entries": [{"stacktrace": "Outer\nCaused by: a.B: no slot"}]}}


def manager(*answers: tuple[str, Any]) -> JobManager:
    """One that answers each path in turn, and the last answer of a path for ever."""
    left: dict[str, list[Any]] = {}
    for path, body in answers:
        left.setdefault(path, []).append(body)

    def answer(request: httpx.Request) -> httpx.Response:
        bodies = left[request.url.path]
        body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
        return httpx.Response(200, content=json.dumps(body))

    return JobManager("http://j", transport=httpx.MockTransport(answer))


def job(state: str, *vertices: str) -> dict[str, Any]:
    return {"name": "n", "state": state, "vertices": [{"name": "v", "status": v} for v in vertices]}


def test_jobs_are_found_by_the_start_of_their_name() -> None:
    listed = [
        {"jid": "1", "name": "ours-a", "state": "CANCELED", "start-time": 1},
        {"jid": "2", "name": "theirs", "state": "RUNNING", "start-time": 2},
        {"jid": "3", "name": "ours-b", "state": "RUNNING", "start-time": 3},
    ]
    assert manager(("/jobs/overview", {"jobs": listed})).jobs("ours") == (
        Job(id="3", name="ours-b", state="RUNNING"),
        Job(id="1", name="ours-a", state="CANCELED"),
    )


def test_a_job_runs_when_all_of_it_does() -> None:
    with manager(
        ("/jobs/1", job("RUNNING", "RUNNING", "DEPLOYING")), ("/jobs/1", job("RUNNING", "RUNNING", "RUNNING"))
    ) as flink:
        flink.wait_until_running("1", timeout_s=5)


def test_a_job_that_fails_to_start_says_why() -> None:
    flink = manager(("/jobs/1", job("FAILED")), ("/jobs/1/exceptions", FAILURE))
    with pytest.raises(JobFailed, match=r"FAILED: a\.B: no slot"):
        flink.wait_until_running("1", timeout_s=5)


def test_a_job_that_never_runs_says_what_it_waits_for() -> None:
    flink = manager(("/jobs/1", job("CREATED", "SCHEDULED")), ("/jobs/1/exceptions", FAILURE))
    with pytest.raises(JobFailed, match=r"CREATED; not running yet: v after 0 s: a\.B: no slot"):
        flink.wait_until_running("1", timeout_s=0)


def test_stopping_returns_the_savepoints_path() -> None:
    done = {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/s/1"}}
    with manager(
        ("/jobs/1/stop", {"request-id": "t"}),
        ("/jobs/1/savepoints/t", {"status": {"id": "IN_PROGRESS"}}),
        ("/jobs/1/savepoints/t", done),
        ("/jobs/1", job("FINISHED")),
    ) as flink:
        assert flink.stop_with_savepoint("1", timeout_s=5) == "file:/s/1"


def test_a_savepoint_that_fails_says_why() -> None:
    cause = {"failure-cause": {"stack-trace": "Outer\nCaused by: disk full"}}
    failed = {"status": {"id": "COMPLETED"}, "operation": cause}
    flink = manager(("/jobs/1/stop", {"request-id": "t"}), ("/jobs/1/savepoints/t", failed))
    with pytest.raises(FlinkFailed, match="disk full"):
        flink.stop_with_savepoint("1", timeout_s=5)


def test_there_is_no_checkpoint_before_the_first() -> None:
    counts = {"completed": 0, "failed": 0, "restored": 0}
    checkpoints = manager(
        ("/jobs/1/checkpoints", {"counts": counts, "latest": {"completed": None}})
    ).checkpoints("1")
    assert checkpoints.last_completed_path is None


def test_counters_are_summed_over_operators() -> None:
    path = "/jobs/1/vertices/v/subtasks/metrics"
    flink = manager(
        ("/jobs/1", {"vertices": [{"id": "v"}]}),
        (path, [{"id": "A.dropped"}, {"id": "B.dropped"}, {"id": "A.other"}]),
        (path, [{"id": "A.dropped", "sum": 2.0}]),
        (path, [{"id": "B.dropped", "sum": 3.0}]),
    )
    assert flink.operator_counter("1", "dropped") == 5


def test_an_answer_that_is_an_error_is_passed_on() -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(404, text="Job 1 not found"))
    with pytest.raises(FlinkFailed, match="Job 1 not found"):
        JobManager("http://j", transport=refusing).checkpoints("1")


def test_engines_are_reached_without_the_users_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"jobs": [], "sessionHandle": "s"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with JobManager(url) as reached:
            assert reached.jobs("any") == ()
        SqlSession(url, {}, ready_timeout_s=1.0).close()
        server.shutdown()
