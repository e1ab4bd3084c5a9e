"""What a machine lacks, as a pure function of the machine."""

from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from harness.artifacts.java import JavaHome
from harness.cli import doctor as doctor_command
from harness.cli.output import OutputFormat
from harness.doctor import machine
from harness.doctor.machine import ENGINE_PORTS, PACKAGES, Machine, engine_ports, install_command
from harness.doctor.requirements import NEEDS, Requirement, examine
from harness.services.registry import SERVICES
from tests.core.dummy_service import PORT, Dummy

GIB = 2**30
JAVA_17 = JavaHome(path=Path("/usr/lib/jvm/17"), version="17.0.15")
JAVA_25 = JavaHome(path=Path("/usr/lib/jvm/25"), version="25.0.1")
FIT = Machine(
    system="Linux",
    package_manager="apt-get",
    is_root=False,
    python=(3, 11),
    javas=(JAVA_25, JAVA_17),
    java_is_chosen=False,
    maven="/usr/bin/mvn",
    engines_missing=(),
    cores=2,
    memory_total_bytes=16 * GIB,
    memory_available_bytes=12 * GIB,
    cache=Path("/home/me/.cache/floodmark"),
    cache_free_bytes=50 * GIB,
    work_free_bytes=50 * GIB,
    open_files_max=20_000,
    own_loopback_addresses=True,
    ports_taken=(),
)


def checked(name: str, **changes: object) -> Requirement:
    changed = dataclasses.replace(FIT, **changes)  # type: ignore[arg-type]
    (found,) = (one for one in examine(changed) if one.name == name)
    return found


def test_a_fit_machine_lacks_nothing() -> None:
    assert [one.name for one in examine(FIT) if one.state != "ok" or one.fix] == []


@pytest.mark.parametrize(
    ("name", "changes", "state"),
    [
        ("Python", {"python": (3, 10)}, "missing"),
        ("Java", {"javas": (JAVA_25,)}, "missing"),
        ("Maven", {"maven": "", "engines_missing": ("kafka",)}, "missing"),
        ("Maven", {"maven": "", "engines_missing": ()}, "ok"),
        ("engines", {"engines_missing": ("kafka",)}, "advice"),
        ("cores", {"cores": 1}, "advice"),
        ("memory", {"memory_total_bytes": 3 * GIB}, "missing"),
        ("memory", {"memory_available_bytes": 7 * GIB}, "advice"),
        ("disk of the cache", {"cache_free_bytes": GIB, "engines_missing": ("kafka",)}, "missing"),
        ("disk of the cache", {"cache_free_bytes": GIB}, "ok"),
        ("disk of the runs", {"work_free_bytes": GIB}, "missing"),
        ("open files", {"open_files_max": 1024}, "missing"),
        ("loopback addresses", {"own_loopback_addresses": False, "system": "Darwin"}, "missing"),
        ("ports", {"ports_taken": (9092,)}, "missing"),
    ],
)
def test_each_lack_is_seen(name: str, changes: dict[str, object], state: str) -> None:
    assert checked(name, **changes).state == state


def test_all_lacks_are_told_at_once() -> None:
    bare = dataclasses.replace(FIT, javas=(), maven="", engines_missing=("kafka",), open_files_max=1024)
    missing = [one.name for one in examine(bare) if one.state == "missing"]
    assert missing == ["Java", "Maven", "open files"]


def test_java_is_fixed_by_the_exact_command() -> None:
    assert checked("Java", javas=()).fix == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends openjdk-17-jre-headless"
        "  or  pip install 'floodmark[java]'"
    )


def test_root_needs_no_sudo() -> None:
    fix = checked("Maven", maven="", engines_missing=("kafka",), package_manager="dnf", is_root=True).fix
    assert fix == "dnf install -y maven"


def test_a_wrong_choice_of_java_is_not_fixed_by_a_package() -> None:
    found = checked("Java", javas=(JAVA_25,), java_is_chosen=True)
    assert found.fix == "point FLOODMARK_JAVA_HOME to a Java 17, or unset it"
    assert found.package == ""


def test_a_taken_port_names_its_engine_and_who_to_ask() -> None:
    found = checked("ports", ports_taken=(9092, 8081))
    assert found.found == "taken: 9092 (kafka), 8081 (flink)"
    assert ":9092 |:8081 " in found.fix


def test_every_port_of_every_service_is_looked_at() -> None:
    ports = {(p, name) for name, service in SERVICES.items() for r in service.roles.values() for p in r.ports}
    assert ports == set(ENGINE_PORTS.items())


def test_a_port_of_two_engines_names_both() -> None:
    twin = Dummy(name="twin")
    assert engine_ports([Dummy(), twin]) == {PORT: "kafka, twin"}


def test_looking_at_a_machine_loads_no_client_of_an_engine() -> None:
    clients = ("confluent_kafka", "cassandra", "pyspark", "httpx", "deltalake", "pyarrow", "duckdb")
    loaded = f"import sys, harness.doctor.machine; print(*sys.modules.keys() & {set(clients)})"
    answer = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_a_port_that_another_program_took_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        # A program that listens on every address has taken this one too.
        listener.bind((machine.PROBE_ADDRESS, 0))
        listener.listen()
        port = listener.getsockname()[1]
        monkeypatch.setattr(machine, "ENGINE_PORTS", {port: "kafka"})
        assert machine.read_machine().ports_taken == (port,)
    assert machine.read_machine().ports_taken == ()


@pytest.mark.parametrize("manager", PACKAGES)
def test_every_package_manager_has_a_command_for_each_package(manager: str) -> None:
    assert all(install_command(name, manager, is_root=False) for name in ("java", "maven"))


MACHINES = st.builds(
    Machine,
    system=st.sampled_from(["Linux", "Darwin"]),
    package_manager=st.sampled_from(["", *PACKAGES]),
    is_root=st.booleans(),
    python=st.tuples(st.just(3), st.integers(8, 15)),
    javas=st.lists(st.sampled_from([JAVA_17, JAVA_25])).map(tuple),
    java_is_chosen=st.booleans(),
    maven=st.sampled_from(["", "/usr/bin/mvn"]),
    engines_missing=st.sampled_from([(), ("kafka",)]),
    cores=st.integers(1, 8),
    memory_total_bytes=st.integers(0, 64 * GIB),
    memory_available_bytes=st.integers(0, 64 * GIB),
    cache=st.just(Path("/cache")),
    cache_free_bytes=st.integers(0, 64 * GIB),
    work_free_bytes=st.integers(0, 64 * GIB),
    open_files_max=st.integers(0, 10**6),
    own_loopback_addresses=st.booleans(),
    ports_taken=st.sampled_from([(), (9092,), (9042, 8083)]),
)


@given(MACHINES)
def test_on_any_machine_whatever_is_not_ok_has_a_fix(any_machine: Machine) -> None:
    found = examine(any_machine)
    assert len(found) == len(NEEDS)
    assert all(bool(one.fix) == (one.state != "ok") and one.found and one.wanted for one in found)


def run_doctor(told: Machine, monkeypatch: pytest.MonkeyPatch, output: OutputFormat) -> int:
    monkeypatch.setattr(doctor_command, "read_machine", lambda: told)
    try:
        doctor_command.doctor(output)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def test_the_command_ends_with_4_if_something_required_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_doctor(dataclasses.replace(FIT, javas=()), monkeypatch, OutputFormat.TEXT) == 4
    assert run_doctor(dataclasses.replace(FIT, cores=1), monkeypatch, OutputFormat.TEXT) == 0


def test_json_is_one_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_doctor(dataclasses.replace(FIT, javas=()), monkeypatch, OutputFormat.JSON)
    told = json.loads(capsys.readouterr().out)
    assert told["fit"] is False
    assert [one["name"] for one in told["requirements"] if one["state"] == "missing"] == ["Java"]


def test_people_get_the_command_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_doctor(dataclasses.replace(FIT, javas=()), monkeypatch, OutputFormat.TEXT)
    told = capsys.readouterr()
    assert told.out == ""
    assert "openjdk-17-jre-headless" in told.err
