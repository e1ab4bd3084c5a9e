"""Flink on the process backend: statements through the gateway, and jobs that outlive a TaskManager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.backends.platform import SupervisedPlatform
from harness.base.waiting import wait_until
from pipeline.stream.gateway import SqlSession
from tests.engines.service_platform import running, state_of

COUNTING = """
CREATE TEMPORARY TABLE ticks (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
CREATE TEMPORARY TABLE counts (n BIGINT, times BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO counts SELECT MOD(n, 10), COUNT(*) FROM ticks GROUP BY MOD(n, 10)
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedPlatform]:
    roles = {"jobmanager": (1, 320), "taskmanager": (2, 320), "gateway": (1, 320)}
    yield from running(tmp_path_factory.mktemp("flink"), "flink", roles)


@pytest.fixture(scope="module")
def job(platform: SupervisedPlatform) -> str:
    """A keyed job over both TaskManagers, with checkpoints each second."""
    configuration = {"execution.checkpointing.interval": "1s", "parallelism.default": "2"}
    with SqlSession(platform.endpoints.flink.sql_gateway_url, configuration) as session:
        results = [session.execute(statement) for statement in COUNTING.split(";")]
    job_id = results[-1].job_id
    assert job_id is not None
    wait_until(lambda: checkpoints(platform, job_id) > 0, timeout_s=60, what="a checkpoint")
    return job_id


def rest(platform: SupervisedPlatform, path: str) -> dict[str, Any]:
    response = httpx.get(platform.endpoints.flink.rest_url + path, timeout=30, trust_env=False)
    answer: dict[str, Any] = response.raise_for_status().json()
    return answer


def checkpoints(platform: SupervisedPlatform, job: str) -> int:
    return int(rest(platform, f"/jobs/{job}/checkpoints")["counts"]["completed"])


def slots(platform: SupervisedPlatform) -> int:
    return int(rest(platform, "/overview")["slots-total"])


def test_every_taskmanager_has_registered_its_slots(platform: SupervisedPlatform) -> None:
    assert slots(platform) == 4


def test_a_statement_gives_its_rows(platform: SupervisedPlatform) -> None:
    with SqlSession(platform.endpoints.flink.sql_gateway_url, {"execution.runtime-mode": "batch"}) as session:
        assert session.execute("SELECT 6 * 7").rows == ((42,),)


def test_a_job_is_spread_over_both_taskmanagers(platform: SupervisedPlatform, job: str) -> None:
    vertex = rest(platform, f"/jobs/{job}")["vertices"][-1]["id"]
    tasks = rest(platform, f"/jobs/{job}/vertices/{vertex}/taskmanagers")["taskmanagers"]
    assert len({task["taskmanager-id"] for task in tasks}) == 2


def test_a_job_goes_on_from_its_checkpoint_when_a_taskmanager_is_killed(
    platform: SupervisedPlatform, job: str
) -> None:
    platform.signal("flink-taskmanager-1", "kill")
    wait_until(
        lambda: rest(platform, f"/jobs/{job}/checkpoints")["counts"]["restored"] > 0,
        timeout_s=60,
        what="the job to be restored",
    )
    before = checkpoints(platform, job)
    wait_until(lambda: checkpoints(platform, job) > before, timeout_s=60, what="a checkpoint after it")
    platform.start("flink-taskmanager-1")
    assert state_of(platform, "flink-taskmanager-1") == "ready"
    assert slots(platform) == 4


def test_a_paused_taskmanager_rejoins_when_it_is_resumed(platform: SupervisedPlatform) -> None:
    platform.signal("flink-taskmanager-2", "pause")
    wait_until(lambda: slots(platform) == 2, timeout_s=60, what="the silent TaskManager to be given up")
    platform.signal("flink-taskmanager-2", "resume")
    wait_until(lambda: slots(platform) == 4, timeout_s=60, what="its slots to be back")
