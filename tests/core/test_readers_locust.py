"""Readers in Locust's process, where the driver has to wait by greenlet. No engine is asked."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from harness.base.clocks import Clocks
from harness.load.readers.process import ReadersConfig, readers_argv
from pipeline.base.endpoints import CassandraEndpoint, Endpoints
from tests.core.events_parts import plan_row, write_plan

_LOCUSTFILE: Final = str(Path(__file__).with_name("readers_locustfile.py"))

# A node that takes connections and says nothing: the driver's time-out must come, and others go on meanwhile.
_WAITS: Final = """
import sys, locust, gevent
from cassandra import OperationTimedOut
from cassandra.cluster import Cluster, NoHostAvailable
from cassandra.io.geventreactor import GeventConnection
from harness.clients.hot_store import hot_session
from pipeline.base.endpoints import CassandraEndpoint

assert Cluster.connection_class is GeventConnection
ticks = []
def tick():
    while True:
        ticks.append(1)
        gevent.sleep(0.01)
gevent.spawn(tick)
endpoint = CassandraEndpoint(contact_points=("127.0.0.1",), port=int(sys.argv[1]), datacenter="dc1")
try:
    with hot_session(endpoint, timeout_s=0.3):
        print("connected")
except NoHostAvailable as error:
    print(type(error).__name__, len(ticks) >= 10)
"""


def readers(folder: Path, **fields: object) -> ReadersConfig:
    Endpoints((CassandraEndpoint(contact_points=("127.0.0.1",), port=1, datacenter="dc1"),)).save(
        folder / "endpoints.json"
    )
    given = {
        "endpoints": folder / "endpoints.json",
        "plan": write_plan(folder / "plan.parquet", [plan_row(seq) for seq in range(25)]),
        "history": folder,
        "clocks": Clocks(
            epoch_unix_ns=time.time_ns(),
            epoch_monotonic_ns=time.monotonic_ns(),
            load_start_ns=0,
            origin_ms=0,
            time_scale=1.0,
        ),
        "duration_s": 1.0,
        "seed": 7,
        "rate_per_s": 200.0,
        "weights": {"hot_point": 9, "hot_range": 1},
        "in_flight": 4,
    }
    return ReadersConfig.model_validate({**given, **fields})


def locust(folder: Path, config: ReadersConfig) -> subprocess.CompletedProcess[str]:
    argv, env = readers_argv(folder / "readers.json", config)
    argv = [_LOCUSTFILE if arg.endswith("locustfile.py") else arg for arg in argv]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)


def test_locusts_users_make_every_request_once_and_end_by_themselves(tmp_path: Path) -> None:
    ended = locust(tmp_path, readers(tmp_path))
    assert ended.returncode == 0, ended.stderr
    rows = pq.read_table(tmp_path / "operations").to_pylist()
    found_bytes = 2 * (len("found") + 8)
    assert (len(rows), {(row["outcome"], row["bytes"]) for row in rows}) == (200, {("ok", found_bytes)})
    counted = re.findall(r"counted READ (\w+) (\d+) (\d+)", ended.stdout)
    assert sum(int(requests) for _, requests, _ in counted) == 200
    assert sum(int(size) for _, _, size in counted) == 200 * found_bytes
    in_flight = [(row["started_ns"], 1) for row in rows] + [(row["completed_ns"], -1) for row in rows]
    under_way = [sum(step for _, step in sorted(in_flight)[: n + 1]) for n in range(len(in_flight))]
    assert 1 < max(under_way) <= 4


def test_readers_that_cannot_start_end_with_an_error(tmp_path: Path) -> None:
    config = readers(tmp_path)
    config.plan.unlink()
    ended = locust(tmp_path, config)
    assert ended.returncode == 1
    assert "the readers cannot start" in ended.stderr


def test_the_driver_waits_by_greenlet_and_holds_up_no_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        told = subprocess.run(
            [sys.executable, "-c", _WAITS, port], capture_output=True, text=True, timeout=30, check=False
        )
    assert told.stdout.split() == ["NoHostAvailable", "True"], told.stderr


def test_several_processes_are_refused(tmp_path: Path) -> None:
    argv, env = readers_argv(tmp_path / "readers.json", readers(tmp_path))
    ended = subprocess.run(
        [*argv, "--master"], env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode != 0
    assert "found several processes; allowed: one process" in ended.stderr
