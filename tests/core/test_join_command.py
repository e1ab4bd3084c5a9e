"""``floodmark join``, the options of ``floodmark run`` beside it, and the wait for those who join."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.base.errors import InvalidInput, RunError, WaitTimeout
from harness.history.workers import WorkerLine, clocks_known_to
from harness.load.join.command import joining_of, master_of
from harness.load.join.gather import await_joined
from harness.load.workers.join_config import Gathered, JoinConfig, Joining, Listens

FAR = WorkerLine(
    worker="worker-1", host="b", offset_ns=9_000_000, uncertainty_ns=210_000, drift_ns=5, shared_clock=False
)
NEAR = WorkerLine(worker="worker-2", host="a", offset_ns=0, uncertainty_ns=0, drift_ns=0, shared_clock=True)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("loader-1", "loader-1", 5557), ("192.0.2.7:6000", "192.0.2.7", 6000), ("a.example:1", "a.example", 1)],
)
def test_a_master_is_a_host_and_perhaps_a_port(text: str, host: str, port: int) -> None:
    assert master_of(text) == Listens(host=host, port=port)


@pytest.mark.parametrize("text", ["", ":1", "a:", "a:x", "a:0", "a:70000", "u@a", "a/b", "[::1]:5", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="HOST"):
        master_of(text)


def test_nothing_listens_beyond_loopback_unless_told_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert joining_of(2, None, port) == Joining(workers=2, host="127.0.0.1", port=port)
    assert joining_of(0, None, None) is None


def test_an_address_for_nobody_is_refused() -> None:
    with pytest.raises(InvalidInput, match="--workers: found 0"):
        joining_of(0, "a", None)


def test_a_port_that_is_taken_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InvalidInput, match="--join-port"):
        joining_of(1, None, taken.getsockname()[1])


def awaiting(folder: Path, *hosts: str, alive: bool = True) -> list[str]:
    """What was said while two were waited for, of whom these are there."""
    said: list[str] = []
    join = JoinConfig(
        joining=Joining(workers=2),
        processes=1,
        files={},
        gathered=folder / "gathered.json",
        start=folder / "start.json",
    )
    Gathered(hosts=hosts, problems=("c cannot take part: no way",)).save(join.gathered)
    await_joined(join, alive=lambda: alive, report=said.append, timeout_s=0)
    return said


def test_a_run_goes_on_when_all_have_joined(tmp_path: Path) -> None:
    assert awaiting(tmp_path, "a", "b") == [
        "waiting for 2 to join the load: floodmark join 127.0.0.1:5557",
        "2 joined (a, b); c cannot take part: no way",
    ]


def test_who_did_not_join_in_time_is_told_with_why(tmp_path: Path) -> None:
    with pytest.raises(WaitTimeout, match=r"1 joined \(a\); c cannot take part: no way"):
        awaiting(tmp_path, "a")


def test_a_load_that_dies_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the load died"):
        awaiting(tmp_path, "a", alive=False)


def test_how_well_the_clocks_are_known_is_that_of_the_worst() -> None:
    assert clocks_known_to([NEAR, FAR]) == "2 joined, clocks known to 0.210 ms"
    assert clocks_known_to([]) == ""
    assert (str(NEAR), str(FAR)) == (
        "worker-2 on a, same clock",
        "worker-1 on b, clock known to 0.210 ms",
    )
