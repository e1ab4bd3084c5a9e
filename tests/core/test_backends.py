"""What holds on every backend: nodes and processes are two things, and no command knows a backend by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from harness.backends import registry
from harness.backends.instance import instances
from harness.backends.platform import SupervisedPlatform
from harness.backends.process.backend import ProcessBackend
from harness.backends.targets import AllTargets
from harness.base.errors import InvalidInput, PlatformError
from harness.base.waiting import wait_until
from harness.cli.main import invoke
from harness.scenario.topology import Topology
from tests.core.dummy_service import PORT, PYTHON, Dummy, address, ask, no_engines, topology, up

ROOT = Path(__file__).parents[2]
SLEEP = (*PYTHON, "import time; time.sleep(600)")

LAST_WORDS = """
import signal, socket, sys
def end(*_):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as connection:
        print("the node answered", connection.recv(100).decode(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("started", flush=True)
while True:
    signal.pause()
"""


class Elsewhere(ProcessBackend):
    """A second backend, whose nodes are small processes."""

    name = "elsewhere"

    def __init__(self) -> None:
        super().__init__(services={"kafka": Dummy()}, engines=no_engines)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FLOODMARK_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(
        registry, "BACKENDS", MappingProxyType({**registry.BACKENDS, Elsewhere.name: Elsewhere})
    )
    yield
    for instance in registry.running():
        registry.attach(instance).down(lambda _: None)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SupervisedPlatform]:
    platform = up(tmp_path, broker=2)
    platform.processes.spawn("writer", SLEEP)
    yield platform
    platform.down()


def elsewhere(folder: Path) -> SupervisedPlatform:
    return Elsewhere().up(
        topology(), data_dir=folder / "data", log_dir=folder / "logs", report=lambda _: None
    )


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What a command that must succeed prints as JSON."""
    capsys.readouterr()
    assert invoke([*arguments, "--output", "json"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_the_status_of_nodes_and_of_processes_are_two_things(platform: SupervisedPlatform) -> None:
    assert [row.name for row in platform.status()] == ["kafka-broker-1", "kafka-broker-2"]
    assert [(row.name, row.state) for row in platform.processes.status()] == [("writer", "running")]
    assert [row.name for row in AllTargets(platform).status()] == [*platform.nodes, "writer"]


def test_both_are_broken_and_healed_by_their_names(platform: SupervisedPlatform) -> None:
    targets = AllTargets(platform)
    for name in ("kafka-broker-1", "writer"):
        targets.signal(name, "pause")
        assert targets.process_state(name) == "paused"
        targets.signal(name, "kill")
        assert targets.process_state(name) == "ended"
        targets.start(name)
        assert targets.process_state(name) == "running"
    assert ask(address(platform)) == "xx"


@pytest.mark.parametrize("name", ["kafka-broker-3", "reader"])
def test_a_target_that_nobody_knows_is_refused(platform: SupervisedPlatform, name: str) -> None:
    targets = AllTargets(platform)
    known = f"unknown target '{name}'; known: kafka-broker-1, kafka-broker-2, writer"
    with pytest.raises(PlatformError, match=known):
        targets.signal(name, "kill")
    with pytest.raises(PlatformError, match=known):
        targets.start(name)


def test_a_node_is_no_process_and_a_process_no_node(platform: SupervisedPlatform) -> None:
    with pytest.raises(PlatformError, match="unknown node 'writer'"):
        platform.signal("writer", "kill")
    with pytest.raises(PlatformError, match="'kafka-broker-1' is a node"):
        platform.processes.signal("kafka-broker-1", "kill")
    with pytest.raises(PlatformError, match="'kafka-broker-1' is the name of a node"):
        platform.processes.spawn("kafka-broker-1", SLEEP)
    assert [row.state for row in AllTargets(platform).status()] == ["ready", "ready", "running"]


def test_stopping_the_processes_leaves_the_nodes_running(platform: SupervisedPlatform) -> None:
    platform.processes.signal("writer", "pause")
    platform.processes.stop()
    platform.processes.stop()
    assert [row.state for row in AllTargets(platform).status()] == ["ready", "ready", "stopped"]


def test_processes_end_in_order_while_the_nodes_still_run(tmp_path: Path) -> None:
    platform = up(tmp_path)
    platform.processes.spawn("writer", [*PYTHON, LAST_WORDS, address(platform), str(PORT)])
    log = tmp_path / "logs" / "writer.log"
    wait_until(lambda: log.exists() and log.read_text(), timeout_s=10, what="the writer to start")
    platform.down()
    assert log.read_text() == "started\nthe node answered x\n"


def test_commands_find_platforms_of_every_backend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = up(tmp_path / "here"), elsewhere(tmp_path / "there")
    there.processes.spawn("writer", SLEEP)
    there.detach()
    found = command(capsys, "status")["instances"]
    assert [(one["instance"], one["backend"]) for one in found] == [
        (here.id, "process"),
        (there.id, "elsewhere"),
    ]
    assert [one["state"].partition(" by")[0] for one in found] == ["in use", "up"]
    assert [(row["name"], row["zone"], row["state"]) for row in found[1]["nodes"]] == [
        ("kafka-broker-1", "a", "ready"),
        ("writer", "", "running"),
    ]
    assert command(capsys, "down") == {"ended": [there.id], "in_use": [here.id]}
    assert command(capsys, "down", here.id) == {"ended": [here.id], "in_use": []}
    assert instances() == ()
    here.down()


def test_up_starts_a_platform_on_the_backend_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dummy(_: str) -> Topology:
        return topology()

    monkeypatch.setattr("harness.cli.up.load_topology", dummy)
    shown = command(capsys, "up", "dummy", "--backend", "elsewhere", "--data", str(tmp_path / "data"))
    (recorded,) = instances()
    assert (shown["instance"], shown["backend"], shown["state"]) == (recorded.id, "elsewhere", "up")
    assert [row["state"] for row in shown["nodes"]] == ["ready"]
    assert shown["nodes"][0]["listening_after_s"] <= shown["nodes"][0]["ready_after_s"]
    assert recorded.endpoints_file.is_file()


def test_a_backend_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--backend: found aws; allowed: process, elsewhere"):
        registry.backend_of("aws")


def test_a_backend_attaches_to_its_own_platforms_only(tmp_path: Path) -> None:
    here = up(tmp_path)
    with pytest.raises(PlatformError, match=f"no elsewhere platform '{here.id}'"):
        Elsewhere().attach(here.id)
    here.down()


def test_a_record_without_a_backend_is_that_of_a_process_platform(tmp_path: Path) -> None:
    here = up(tmp_path)
    file = here.instance.home / "instance.json"
    record = json.loads(file.read_text())
    del record["backend"]
    file.write_text(json.dumps(record))
    (older,) = registry.running()
    with registry.attach(older) as attached:
        assert [row.state for row in attached.status()] == ["ready"]
        attached.down(lambda _: None)
    assert instances() == ()
    here.down()


def test_a_platform_of_a_backend_that_is_not_known_is_reported_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    here = up(tmp_path)
    file = here.instance.home / "instance.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "backend": "cloud"}))
    assert command(capsys, "down") == {"ended": [], "in_use": []}
    assert f"ignoring {here.id}: its backend 'cloud' is not known" in caplog.text
    assert [row.state for row in here.status()] == ["ready"]
    here.down()


def test_no_command_and_no_run_imports_a_backend() -> None:
    files = [
        *ROOT.glob("harness/cli/*.py"),
        *ROOT.glob("harness/run/**/*.py"),
        *ROOT.glob("harness/faults/*.py"),
    ]
    assert len(files) > 40
    named = [file for file in files if "backends.process" in file.read_text()]
    assert named == []
