"""Sessions of Spark on Delta tables in the object store: by themselves, and on a standalone cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.backends.protocol import Platform
from harness.base.waiting import wait_until
from harness.layers.pipeline_jars import with_lake_jar
from harness.scenario.topology import RoleSpec
from harness.services.protocol import Jvm
from harness.services.spark import own_session
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import SparkFailed
from pipeline.days.spark.spark_session import spark_session
from pipeline.days.tables.delta_tables import SILVER_REJECTS, uri
from pipeline.lake.objects import Objects
from tests.engines.kafka_platform import MIB, platform_of

# pyspark never closes the socket of a collect(), nor the pipe of a driver that did not start.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed (file )?<:ResourceWarning")

JOB = """
import sys, time
from pathlib import Path
from pipeline.days.spark.spark_session import spark_session
from pipeline.base.endpoints import Endpoints

with spark_session(Endpoints.load(Path(sys.argv[1])), name="killed") as spark:
    print(spark.sparkContext._gateway.proc.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform_of(
        tmp_path_factory.mktemp("spark"),
        object_store={"node": RoleSpec(count=1, memory=128 * MIB)},
        spark={"master": RoleSpec(count=1, memory=128 * MIB), "worker": RoleSpec(count=1, memory=512 * MIB)},
    ) as platform:
        Objects(platform.endpoints.object_store).create_bucket()
        yield platform


@pytest.fixture(scope="module")
def endpoints(platform: Platform) -> Endpoints:
    """A job's own session, as on a platform without a cluster."""
    home = ensure(["spark"], report=lambda _: None).home("spark")
    endpoints = platform.endpoints.adding(own_session(home=home, jvm=Jvm(java=find_java(), jit="c1")))
    return with_lake_jar(endpoints, report=lambda _: None)


def written_and_read(endpoints: Endpoints, name: str) -> list[tuple[int, int]]:
    """Rows of a table of its own."""
    table = uri(endpoints.object_store, replace(SILVER_REJECTS, name=name))
    with spark_session(endpoints, name=name) as spark:
        rows = spark.range(4).selectExpr("id % 2 AS day", "id AS n").repartition(2)
        rows.write.format("delta").partitionBy("day").save(table)
        found = spark.read.format("delta").load(table).collect()
    return sorted((row.day, row.n) for row in found)


def test_a_delta_table_is_written_and_read_back(endpoints: Endpoints) -> None:
    assert written_and_read(endpoints, "test/own") == [(0, 0), (0, 2), (1, 1), (1, 3)]


def test_a_clusters_executor_writes_and_reads_it(platform: Platform) -> None:
    endpoints = with_lake_jar(platform.endpoints, report=lambda _: None)
    assert written_and_read(endpoints, "test/cluster") == [(0, 0), (0, 2), (1, 1), (1, 3)]


def test_a_driver_ends_with_its_block_and_its_arguments_hold_no_secret(endpoints: Endpoints) -> None:
    with pytest.raises(ZeroDivisionError), spark_session(endpoints, name="fails") as spark:
        gateway = spark.sparkContext._gateway
        assert gateway is not None
        driver = psutil.Process(gateway.proc.pid)
        arguments = driver.cmdline()
        raise ZeroDivisionError
    assert not driver.is_running()
    assert endpoints.object_store.secret_key
    assert endpoints.object_store.secret_key not in " ".join(arguments)


def test_a_driver_ends_with_a_job_that_is_killed(endpoints: Endpoints, tmp_path: Path) -> None:
    endpoints.save(tmp_path / "endpoints.json")
    command = [sys.executable, "-c", JOB, str(tmp_path / "endpoints.json")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as job:
        assert job.stdout is not None
        driver = psutil.Process(int(job.stdout.readline()))
        job.send_signal(signal.SIGKILL)
    wait_until(lambda: not driver.is_running(), timeout_s=30, what="the driver to be gone")


def test_a_session_that_cannot_start_says_where(endpoints: Endpoints) -> None:
    nowhere = endpoints.adding(replace(endpoints.spark, master="nowhere"))
    with (
        pytest.raises(SparkFailed, match="lost: Spark did not start on nowhere"),
        spark_session(nowhere, name="lost"),
    ):
        pass
