"""The process backend, with small Python processes for nodes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psutil
import pytest

from harness.backends.instance import instances
from harness.backends.plan import check_topology
from harness.backends.platform import SupervisedPlatform
from harness.backends.protocol import Preparation
from harness.backends.targets import AllTargets
from harness.base.errors import InvalidInput, NodeFailed, PlatformError
from harness.base.waiting import wait_until
from harness.processes.protocol import ProcessState
from harness.processes.usage import sessions_of
from harness.scenario.topology import Topology
from tests.core.dummy_service import DEAF, FAILING, LISTEN, PYTHON, Dummy, address, ask, up

SLEEP = (*PYTHON, "import time; time.sleep(600)")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOODMARK_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SupervisedPlatform]:
    platform = up(tmp_path, broker=2)
    yield platform
    platform.down()


def starting_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("start")]


def state_of(platform: SupervisedPlatform, name: str = "kafka-broker-1") -> str:
    return next(row.state for row in AllTargets(platform).status() if row.name == name)


def test_each_node_has_its_own_address_and_is_ready(platform: SupervisedPlatform) -> None:
    assert len({row.endpoint for row in platform.status()}) == 2
    assert [(row.zone, row.state) for row in platform.status()] == [("a", "ready"), ("b", "ready")]


def test_status_shows_memory_and_the_time_until_ready(platform: SupervisedPlatform) -> None:
    first = platform.status()[0]
    assert first.memory_bytes > 2**20
    assert first.ready_after_s is not None


def test_endpoints_are_those_of_the_services(platform: SupervisedPlatform) -> None:
    assert platform.endpoints.kafka.bootstrap_servers == tuple(row.endpoint for row in platform.status())


def test_a_killed_node_is_seen_at_once_and_starts_again_with_its_data(platform: SupervisedPlatform) -> None:
    platform.signal("kafka-broker-1", "kill")
    assert state_of(platform) == "dead"
    platform.start("kafka-broker-1")
    assert state_of(platform) == "ready"
    assert ask(address(platform)) == "xx"


def test_what_was_prepared_for_a_node_is_in_its_environment_whenever_it_starts(tmp_path: Path) -> None:
    saying = "import os; print('skew', os.environ.get('SKEW'), flush=True)" + LISTEN
    prepared = Preparation(env={"kafka-broker-1": {"SKEW": "3"}})
    platform = up(tmp_path, Dummy(programs={"broker": saying}), preparation=prepared, broker=2)
    try:
        platform.signal("kafka-broker-1", "kill")
        platform.start("kafka-broker-1")
    finally:
        platform.down()
    said = [(tmp_path / "logs" / f"kafka-broker-{n}.log").read_text().count("skew 3") for n in (1, 2)]
    assert said == [2, 0]


def test_starting_a_node_that_runs_is_a_no_op(platform: SupervisedPlatform) -> None:
    platform.start("kafka-broker-1")
    assert ask(address(platform)) == "x"


def test_a_paused_node_answers_again_when_it_is_resumed(platform: SupervisedPlatform) -> None:
    platform.signal("kafka-broker-1", "pause")
    assert state_of(platform) == "paused"
    with pytest.raises(TimeoutError):
        ask(address(platform), timeout_s=0.2)
    platform.signal("kafka-broker-1", "resume")
    assert (state_of(platform), ask(address(platform))) == ("ready", "x")


def test_a_node_that_dies_by_itself_is_dead(platform: SupervisedPlatform) -> None:
    psutil.Process(platform.status()[0].pid).kill()
    wait_until(lambda: state_of(platform) == "dead", timeout_s=5, what="the death to be seen")


@pytest.mark.parametrize("action", ["kill", "pause"])
def test_what_has_died_cannot_be_killed_or_paused(
    platform: SupervisedPlatform, action: Literal["kill", "pause"]
) -> None:
    platform.signal("kafka-broker-1", "kill")
    with pytest.raises(
        PlatformError, match=f"cannot {action} kafka-broker-1: it has already ended, by SIGKILL"
    ):
        platform.signal("kafka-broker-1", action)
    platform.signal("kafka-broker-1", "resume")


def test_a_pause_returns_when_the_process_is_stopped(platform: SupervisedPlatform) -> None:
    process = psutil.Process(platform.status()[0].pid)
    for _ in range(20):
        platform.signal("kafka-broker-1", "pause")
        assert process.status() == psutil.STATUS_STOPPED
        platform.signal("kafka-broker-1", "resume")


def test_the_state_of_a_process_is_what_the_kernel_says_whatever_was_asked_of_it(
    platform: SupervisedPlatform,
) -> None:
    def becomes(state: ProcessState) -> None:
        wait_until(lambda: platform.process_state("kafka-broker-1") == state, timeout_s=5, what=state)

    process = psutil.Process(platform.status()[0].pid)
    becomes("running")
    process.suspend()
    becomes("paused")
    platform.signal("kafka-broker-1", "pause")
    process.resume()
    becomes("running")
    process.kill()
    becomes("ended")


def test_a_process_has_ended_when_its_children_have(platform: SupervisedPlatform) -> None:
    platform.processes.spawn("load", [*PYTHON, "import os, time; os.fork() and os._exit(0); time.sleep(600)"])
    wait_until(lambda: state_of(platform, "load") == "stopped", timeout_s=5, what="the parent to end")
    assert platform.processes.process_state("load") == "running"
    (leader,) = [row.pid for row in platform._supervisor.rows() if row.name == "load"]
    for pid in sessions_of([leader])[leader]:
        psutil.Process(pid).kill()
    wait_until(
        lambda: platform.processes.process_state("load") == "ended", timeout_s=5, what="the child to end"
    )


def test_every_end_of_a_process_is_known_with_its_time_and_how(platform: SupervisedPlatform) -> None:
    before_ns = time.monotonic_ns()
    platform.signal("kafka-broker-1", "kill")
    platform.start("kafka-broker-1")
    psutil.Process(platform.status()[0].pid).terminate()
    wait_until(lambda: len(platform.status()[0].ends) == 2, timeout_s=10, what="the death to be seen")
    first, second = platform.status()[0].ends
    assert (first.exit, second.exit) == (-9, -15)
    assert before_ns < first.at_monotonic_ns < second.at_monotonic_ns < time.monotonic_ns()
    assert platform.status()[1].ends == ()


def test_a_node_that_is_started_again_is_starting_until_it_is_ready(tmp_path: Path) -> None:
    platform = up(tmp_path, Dummy(programs={"broker": SLOW_AGAIN}))
    try:
        platform.signal("kafka-broker-1", "kill")
        starting = threading.Thread(target=platform.start, args=["kafka-broker-1"])
        starting.start()
        wait_until(lambda: state_of(platform) != "dead", timeout_s=10, what="the start to be seen")
        assert state_of(platform) == "starting"
        assert platform.status()[0].ready_after_s is None
        assert instances()[0].times == {}
        next((tmp_path / "data").glob("*/kafka-broker-1")).joinpath("go").touch()
        starting.join()
        assert state_of(platform) == "ready"
    finally:
        platform.down()


def test_an_unknown_name_is_refused(platform: SupervisedPlatform) -> None:
    with pytest.raises(PlatformError, match="kafka-broker-9"):
        platform.start("kafka-broker-9")
    with pytest.raises(PlatformError, match="kafka-broker-9"):
        platform.signal("kafka-broker-9", "kill")


def test_a_spawned_process_runs_beside_the_nodes_and_is_logged(platform: SupervisedPlatform) -> None:
    platform.processes.spawn(
        "writer", [*PYTHON, "import os; print(os.environ['TOPIC'])"], env={"TOPIC": "events"}
    )
    wait_until(lambda: state_of(platform, "writer") == "stopped", timeout_s=5, what="the writer to end")
    assert (platform.instance.logs / "writer.log").read_text() == "events\n"


def test_a_spawned_process_can_be_killed_and_spawned_again(platform: SupervisedPlatform) -> None:
    platform.processes.spawn("writer", SLEEP)
    platform.processes.signal("writer", "kill")
    assert state_of(platform, "writer") == "dead"
    platform.processes.spawn("writer", SLEEP)
    assert state_of(platform, "writer") == "running"


def test_starting_a_spawned_process_that_died_runs_the_same_again(platform: SupervisedPlatform) -> None:
    platform.processes.spawn("writer", SLEEP)
    platform.processes.signal("writer", "kill")
    platform.processes.start("writer")
    assert state_of(platform, "writer") == "running"


def test_down_leaves_logs_and_nothing_else(tmp_path: Path, state: Path) -> None:
    platform = up(tmp_path)
    pid = platform.status()[0].pid
    platform.down()
    assert not psutil.pid_exists(pid or 0)
    assert [path.name for path in (tmp_path / "data").iterdir()] == []
    assert [*state.rglob("*")] == [state / "instances"]
    assert "listening" in (tmp_path / "logs" / "kafka-broker-1.log").read_text()


def test_down_twice_is_a_no_op(tmp_path: Path) -> None:
    platform = up(tmp_path)
    platform.down()
    platform.down()


def test_down_ends_a_node_that_ignores_sigterm(tmp_path: Path) -> None:
    platform = up(tmp_path, Dummy(programs={"broker": DEAF}))
    pid = platform.status()[0].pid
    platform.down()
    assert not psutil.pid_exists(pid or 0)


def test_down_lets_a_paused_node_end_in_order(tmp_path: Path) -> None:
    platform = up(tmp_path, Dummy(keep={"broker": tmp_path / "kept"}))
    pid = platform.status()[0].pid
    platform.signal("kafka-broker-1", "pause")
    platform.down()
    assert not psutil.pid_exists(pid or 0)
    assert (tmp_path / "kept").exists()


def test_two_instances_at_once_do_not_collide(tmp_path: Path, platform: SupervisedPlatform) -> None:
    other = up(tmp_path / "other", broker=2)
    try:
        everywhere = [row.endpoint for one in (platform, other) for row in one.status()]
        assert len(set(everywhere)) == 4
        assert len(instances()) == 2
    finally:
        other.down()


def test_ending_one_instance_leaves_the_other_alone(tmp_path: Path, platform: SupervisedPlatform) -> None:
    up(tmp_path / "other").down()
    assert [row.state for row in platform.status()] == ["ready", "ready"]


def test_a_node_that_dies_while_starting_says_why(tmp_path: Path) -> None:
    with pytest.raises(NodeFailed, match=r"exit code 3(.|\n)*the disk is on fire"):
        up(tmp_path, Dummy(programs={"client": FAILING}), broker=1, client=1)
    assert instances() == ()


def test_a_node_is_started_when_those_that_it_waits_for_are_ready(tmp_path: Path) -> None:
    said: list[str] = []

    def report(message: str) -> None:
        said.append(message)

    up(tmp_path, Dummy(after={"broker": ("client",)}), report=report, broker=2, client=1).down()
    assert said[0].startswith("kafka-client-1 ready")


def test_nodes_that_wait_for_one_that_failed_are_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(NodeFailed, match="kafka-client-1"):
        up(tmp_path, Dummy(programs={"client": FAILING}, after={"broker": ("client",)}), broker=1, client=1)
    wait_until(lambda: not starting_threads(), timeout_s=5, what="the starting threads to end")


def test_a_service_without_nodes_is_refused_unless_it_can_do_without() -> None:
    bare = Topology(name="t", zones=("a",), services={"kafka": {}})
    needs, does_not = Dummy(), Dummy(needs_nodes=False)
    with pytest.raises(InvalidInput, match=r"services\.kafka: found none; allowed: nodes: one of broker"):
        check_topology(bare, {"kafka": needs})
    check_topology(bare, {"kafka": does_not})


def test_an_unknown_role_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="did you mean broker"):
        up(tmp_path, brokr=1)
    assert instances() == ()


def test_what_a_node_makes_for_the_next_start_is_kept_if_it_ended_in_order(tmp_path: Path) -> None:
    kept = {role: tmp_path / "cache" / role for role in ("broker", "client")}
    up(
        tmp_path, Dummy(programs={"broker": LISTEN, "client": FAILING_LATER}, keep=kept), broker=1, client=1
    ).down()
    assert kept["broker"].read_text() == "worth keeping"
    assert not kept["client"].exists()


SLOW_AGAIN = (
    """
import pathlib, time
while pathlib.Path("starts").exists() and not pathlib.Path("go").exists():
    time.sleep(0.05)
"""
    + LISTEN
)
FAILING_LATER = "import os, signal; signal.signal(signal.SIGTERM, lambda *_: os._exit(9))" + LISTEN
