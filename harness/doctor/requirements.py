"""What Floodmark requires of a machine: one small pure function per requirement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from harness.artifacts.java import JAVA_MAJOR
from harness.doctor.machine import ENGINE_PORTS, Machine, install_command

State = Literal["ok", "advice", "missing"]
"""``advice`` does not stop a run; ``missing`` does."""

_GIB: Final = 2**30
_MEMORY_BYTES: Final = 8 * _GIB
"""The most that the quickstart's nodes and load use."""
_LEAST_MEMORY_BYTES: Final = 4 * _GIB
"""Below this not even a small topology runs."""
_CORES: Final = 2
_CACHE_BYTES: Final = 2 * _GIB
"""The engines take 0.5 GiB; unpacking their archives and the clients' own caches take the rest."""
_WORK_BYTES: Final = 2 * _GIB
_OPEN_FILES: Final = 10_000
_PYTHON: Final = (3, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement, checked against one machine."""

    name: str
    state: State
    wanted: str
    found: str
    fix: str = ""
    """The exact command, or instructions where no command suffices; "" if nothing is to be done."""
    package: str = ""
    """What the system's package manager would install; a key of ``machine.PACKAGES``."""


def examine(machine: Machine) -> tuple[Requirement, ...]:
    """Check the machine against every requirement."""
    return tuple(need(machine) for need in NEEDS)


def python(machine: Machine) -> Requirement:
    """The interpreter that runs Floodmark."""
    wanted, found = (".".join(map(str, version)) for version in (_PYTHON, machine.python))
    return _requirement(
        "Python", machine.python >= _PYTHON, f"{wanted} or later", found, f"install Python {wanted} or later"
    )


def java(machine: Machine) -> Requirement:
    """A Java version that every engine supports."""
    suitable = next((one for one in machine.javas if one.major == JAVA_MAJOR), None)
    if suitable is not None:
        return _requirement("Java", True, str(JAVA_MAJOR), f"{suitable.version} in {suitable.path}")
    found = ", ".join(f"{one.version} in {one.path}" for one in machine.javas) or "none"
    if machine.java_is_chosen:
        fix = f"point FLOODMARK_JAVA_HOME to a Java {JAVA_MAJOR}, or unset it"
        return _requirement("Java", False, str(JAVA_MAJOR), f"FLOODMARK_JAVA_HOME: {found}", fix)
    return _package("Java", "java", str(JAVA_MAJOR), found, machine, or_else="pip install 'floodmark[java]'")


def maven(machine: Machine) -> Requirement:
    """The client that fetches the engines' jars; not needed once they are in the cache."""
    if not machine.engines_missing:
        return _requirement("Maven", True, "nothing: all engines are cached", machine.maven or "none")
    if machine.maven:
        return _requirement("Maven", True, "mvn", machine.maven)
    return _package("Maven", "maven", "mvn", "none", machine)


def engines(machine: Machine) -> Requirement:
    """The engines' artifacts, in the cache."""
    missing = ", ".join(machine.engines_missing)
    return _requirement(
        "engines",
        not missing,
        "in the cache",
        f"missing: {missing}" if missing else str(machine.cache),
        "make setup  (or the next `floodmark up` or `run` fetches them)",
        otherwise="advice",
    )


def cores(machine: Machine) -> Requirement:
    """Processor cores for three engines and the load."""
    return _requirement(
        "cores",
        machine.cores >= _CORES,
        str(_CORES),
        str(machine.cores),
        "expect longer waits",
        otherwise="advice",
    )


def memory(machine: Machine) -> Requirement:
    """Memory for the quickstart's nodes."""
    wanted = f"{_gib(_MEMORY_BYTES)} free for the quickstart"
    total, available = machine.memory_total_bytes, machine.memory_available_bytes
    if total < _LEAST_MEMORY_BYTES:
        fix = "use a larger machine, or give the container or virtual machine more memory"
        return _requirement("memory", False, wanted, f"{_gib(total)} in total", fix)
    fix = "close other programs, or run a smaller topology: nodes may be killed for lack of memory"
    return _requirement(
        "memory",
        available >= _MEMORY_BYTES * 0.9,
        wanted,
        f"{_gib(available)} free",
        fix,
        otherwise="advice",
    )


def cache_disk(machine: Machine) -> Requirement:
    """Disk for the engines."""
    wanted_bytes = _CACHE_BYTES if machine.engines_missing else 0
    return _requirement(
        "disk of the cache",
        machine.cache_free_bytes >= wanted_bytes,
        f"{_gib(wanted_bytes)} free" if wanted_bytes else "nothing: all engines are cached",
        f"{_gib(machine.cache_free_bytes)} free at {machine.cache}",
        "free some, or set FLOODMARK_CACHE to a folder on a larger disk",
    )


def work_disk(machine: Machine) -> Requirement:
    """Disk for the nodes' data and the recorded runs."""
    return _requirement(
        "disk of the runs",
        machine.work_free_bytes >= _WORK_BYTES,
        f"{_gib(_WORK_BYTES)} free",
        f"{_gib(machine.work_free_bytes)} free in the current folder",
        "free some, or run from a folder on a larger disk, or with --out",
    )


def open_files(machine: Machine) -> Requirement:
    """How many files and connections a broker may hold open."""
    return _requirement(
        "open files",
        machine.open_files_max >= _OPEN_FILES,
        f"a hard limit of {_OPEN_FILES}",
        str(machine.open_files_max),
        f"echo '* hard nofile {_OPEN_FILES}' | sudo tee /etc/security/limits.d/floodmark.conf; log in again",
    )


def loopback(machine: Machine) -> Requirement:
    """An address for each node, so that all of them use their engine's usual ports."""
    return _requirement(
        "loopback addresses",
        machine.own_loopback_addresses,
        "a process may listen on any address of 127.0.0.0/8",
        "it may" if machine.own_loopback_addresses else f"it may not on this {machine.system}",
        "Linux allows this by default, others do not: use a Linux machine, virtual machine or container",
    )


def ports(machine: Machine) -> Requirement:
    """The engines' usual ports; a program listening on every address also takes the nodes'."""
    taken = ", ".join(f"{port} ({ENGINE_PORTS[port]})" for port in machine.ports_taken)
    return _requirement(
        "ports",
        not taken,
        "the engines' ports free on the nodes' addresses",
        f"taken: {taken}" if taken else "free",
        f"stop what `ss -ltnp | grep -E '{'|'.join(f':{port} ' for port in machine.ports_taken)}'` shows",
    )


NEEDS: Final[tuple[Callable[[Machine], Requirement], ...]] = (
    python,
    java,
    maven,
    engines,
    cores,
    memory,
    cache_disk,
    work_disk,
    open_files,
    loopback,
    ports,
)


def _requirement(
    name: str, met: bool, wanted: str, found: str, fix: str = "", *, otherwise: State = "missing"
) -> Requirement:
    return Requirement(
        name=name, state="ok" if met else otherwise, wanted=wanted, found=found, fix="" if met else fix
    )


def _package(
    name: str, package: str, wanted: str, found: str, machine: Machine, *, or_else: str = ""
) -> Requirement:
    command = install_command(package, machine.package_manager, is_root=machine.is_root)
    ways = [way for way in (command, or_else) if way] or [f"install {name} by hand, and put it on the PATH"]
    return Requirement(
        name=name,
        state="missing",
        wanted=wanted,
        found=found,
        fix="  or  ".join(ways),
        package=package,
    )


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.1f} GiB"
