"""Nothing is left behind: whoever is killed, harness, shell or supervisor, every process ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.backends.attached import Attached
from harness.backends.instance import Instance, instances
from harness.backends.process.backend import ProcessBackend
from harness.base.errors import PlatformError
from harness.base.waiting import wait_until
from harness.processes.supervisor_client import SupervisorClient
from tests.core.dummy_service import FORKING, ORPHANING, PYTHON, Dummy, up

ROOT = Path(__file__).resolve().parents[2]
HARNESS = """
import json, os, signal, sys, time
from pathlib import Path
from tests.core.dummy_service import FORKING, ORPHANING, PYTHON, Dummy, up
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
platform = up(Path(sys.argv[1]), Dummy(programs={"broker": ORPHANING}), broker=2)
platform.processes.spawn("writer", [*PYTHON, "import time; time.sleep(600)"])
if "detach" in sys.argv:
    platform.detach()
print(json.dumps({"harness": os.getpid(), "instance": platform.instance.id}), flush=True)
if "detach" not in sys.argv:
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FLOODMARK_STATE", str(tmp_path / "state"))
    yield tmp_path / "state"
    for instance in instances():
        end(instance)


def marked(instance_id: str) -> set[int]:
    """Every process of an instance, the supervisor included."""
    found = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get("FLOODMARK_INSTANCE") == instance_id:
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def supervisor_of(instance_id: str) -> psutil.Process:
    return next(p for p in map(psutil.Process, marked(instance_id)) if "--instance" in p.cmdline())


def start_harness(
    folder: Path, *arguments: str, in_shell: bool = False
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-c", HARNESS, str(folder), *arguments]
    if in_shell:
        command = ["sh", "-c", '"$@"; true', "sh", *command]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    process.stdout.close()
    return process, told


def await_nothing_left(folder: Path, instance_id: str) -> None:
    wait_until(
        lambda: not marked(instance_id) and not instances() and not [*(folder / "data").iterdir()],
        timeout_s=10,
        what="everything to be gone",
        last_seen=lambda: f"{marked(instance_id)}, {instances()}, {[*(folder / 'data').iterdir()]}",
    )


def test_a_killed_harness_leaves_nothing_not_even_what_was_paused(tmp_path: Path) -> None:
    harness, told = start_harness(tmp_path)
    everything = marked(told["instance"])
    assert len(everything) == 6  # the supervisor, two nodes, a stray of each, the writer
    for pid in everything - {supervisor_of(told["instance"]).pid}:
        os.kill(pid, signal.SIGSTOP)
    harness.kill()
    harness.wait()
    await_nothing_left(tmp_path, told["instance"])


def test_a_killed_shell_leaves_nothing(tmp_path: Path) -> None:
    shell, told = start_harness(tmp_path, in_shell=True)
    shell.kill()
    shell.wait()
    await_nothing_left(tmp_path, told["instance"])
    wait_until(lambda: not psutil.pid_exists(told["harness"]), timeout_s=5, what="the harness to end")


def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    platform = up(tmp_path, broker=2)
    supervisor_of(platform.instance.id).kill()
    wait_until(lambda: not marked(platform.instance.id), timeout_s=5, what="the nodes to die")
    with pytest.raises(PlatformError, match="supervisor"):
        platform.status()
    platform.down()
    await_nothing_left(tmp_path, platform.instance.id)


def test_a_detached_platform_outlives_its_harness_until_it_is_ended(tmp_path: Path) -> None:
    harness, told = start_harness(tmp_path, "detach")
    harness.wait()
    with attach(told["instance"]) as attached:
        assert attached.state == "up"
        assert [(row.name, row.state) for row in attached.status()] == [
            ("kafka-broker-1", "ready"),
            ("kafka-broker-2", "ready"),
            ("writer", "running"),
        ]
        attached.down(lambda _: None)
    await_nothing_left(tmp_path, told["instance"])


def test_what_is_left_when_supervisor_and_harness_were_killed_is_found_and_ended(tmp_path: Path) -> None:
    harness, told = start_harness(tmp_path, "detach")
    harness.wait()
    supervisor_of(told["instance"]).kill()
    wait_until(lambda: len(marked(told["instance"])) == 2, timeout_s=5, what="only strays to be left")
    end(instances()[0])
    await_nothing_left(tmp_path, told["instance"])


def test_ending_an_instance_touches_no_process_that_does_not_bear_its_mark(tmp_path: Path) -> None:
    platform = up(tmp_path)
    mark = f"FLOODMARK_INSTANCE={platform.instance.id}"
    bystander = subprocess.Popen(
        [*PYTHON, "import time; time.sleep(600)"],
        env={"FLOODMARK_INSTANCE": f"{platform.instance.id}0", "NOTE": mark},
    )
    try:
        platform.down()
        with pytest.raises(subprocess.TimeoutExpired):
            bystander.wait(0.2)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_signal_reaches_the_children_of_a_node_too(tmp_path: Path) -> None:
    platform = up(tmp_path, Dummy(programs={"broker": FORKING}))
    try:
        assert len(marked(platform.instance.id)) == 3
        platform.signal("kafka-broker-1", "kill")
        wait_until(lambda: len(marked(platform.instance.id)) == 1, timeout_s=5, what="both to be gone")
    finally:
        platform.down()


def test_a_stray_that_left_its_session_ends_with_the_platform(tmp_path: Path) -> None:
    platform = up(tmp_path, Dummy(programs={"broker": ORPHANING}))
    assert len(marked(platform.instance.id)) == 3
    platform.down()
    assert marked(platform.instance.id) == set()


def test_a_program_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    platform = up(tmp_path)
    try:
        with pytest.raises(PlatformError, match="no-such-program"):
            platform.processes.spawn("writer", ["no-such-program"])
    finally:
        platform.down()


def test_the_record_of_an_instance_says_where_its_nodes_are(tmp_path: Path) -> None:
    platform = up(tmp_path)
    try:
        (recorded,) = instances()
        assert recorded == platform.instance
        assert isinstance(recorded, Instance)
        assert recorded.places["kafka-broker-1"].address.startswith("127.")
    finally:
        platform.down()


@pytest.mark.parametrize("damage", ["{", '{"id": "x"}', "[]", ""])
def test_a_damaged_record_keeps_no_other_from_being_seen_and_is_ended_like_one(
    tmp_path: Path, damage: str
) -> None:
    first, second = up(tmp_path / "1"), up(tmp_path / "2")
    try:
        (first.instance.home / "instance.json").write_text(damage)
        found = {one.id: one for one in instances()}
        assert found.keys() == {first.instance.id, second.instance.id}
        damaged = found[first.instance.id]
        with attach(damaged.id) as attached:
            assert attached.state == "in use"
            assert [row.state for row in attached.status()] == ["running"]
            attached.down(lambda _: None)
        await_gone(first.instance)
        assert [row.state for row in second.status()] == ["ready"]
    finally:
        first.down()
        second.down()


def test_a_supervisor_that_only_dies_when_it_is_killed_is_waited_for(tmp_path: Path) -> None:
    platform = up(tmp_path)
    platform.down()
    ours, theirs = socket.socketpair()
    theirs.close()
    silent = subprocess.Popen(
        [*PYTHON, "import time; time.sleep(600)"], env={"FLOODMARK_INSTANCE": platform.instance.id}
    )
    wait_until(lambda: marked(platform.instance.id), timeout_s=5, what="it to run")
    Attached(platform.instance, SupervisorClient(ours, silent), None).down(lambda _: None)
    assert silent.returncode == -signal.SIGKILL


@pytest.mark.parametrize("field", ["owner_pid", "data"])
def test_what_is_left_of_a_damaged_record_is_ended_without_its_supervisor(tmp_path: Path, field: str) -> None:
    platform = up(tmp_path)
    instance = platform.instance
    supervisor_of(instance.id).kill()
    wait_until(lambda: not marked(instance.id), timeout_s=5, what="the nodes to die")
    record = json.loads((instance.home / "instance.json").read_text())
    bystander = tmp_path / "mine"
    bystander.mkdir()
    record[field] = str(bystander)
    (instance.home / "instance.json").write_text(json.dumps({**record, "new_field": 1}))
    (damaged,) = instances()
    end(damaged)
    left = (instance.home.exists(), bystander.exists(), instance.data.exists())
    platform.down()
    assert left == (False, True, field == "data")


def test_a_damaged_record_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    platform = up(tmp_path)
    try:
        (platform.instance.home / "instance.json").write_text("{")
        instances()
        assert "instance.json is damaged" in caplog.text
    finally:
        platform.down()


def await_gone(instance: Instance) -> None:
    wait_until(
        lambda: not marked(instance.id) and not instance.home.exists() and not instance.data.exists(),
        timeout_s=10,
        what="the instance to be gone",
    )


def attach(instance_id: str) -> Attached:
    return ProcessBackend().attach(instance_id)


def end(instance: Instance) -> None:
    attach(instance.id).down(lambda _: None)
