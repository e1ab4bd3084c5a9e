"""Nodes as containers, each with its data folder from this machine mounted at the same path."""

from __future__ import annotations

import ipaddress
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.types import EndpointConfig, IPAMConfig, IPAMPool
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from harness.artifacts import cache_dir
from harness.backends.container.engine import INSTANCE_LABEL, NODE_LABEL
from harness.backends.container.images import Image
from harness.backends.container.removal import remove
from harness.backends.instance import Instance
from harness.backends.kept_files import keep_files, stop_timeout_s
from harness.backends.plan import PlannedNode, write_files
from harness.base.errors import PlatformError, how_ended
from harness.processes.protocol import Action, ProcessEnd, ProcessState, ProcessStatus, State
from harness.processes.stopping import ENDED_IN_ORDER
from harness.processes.usage import Usage, UsageMeter
from harness.services.protocol import Launch

_UNPRIVILEGED: Final = 10001
"""The user of the images, for a harness that runs as root."""
_KILLED: Final = 137
"""The engine's exit code for SIGKILL."""
_GONE: Final = ("exited", "dead", "removing")
_GLANCE_S: Final = 0.5
# Docker's own log would be a second copy.
_TO_LOG_FILE: Final = ("/bin/sh", "-c", 'exec "$@" >>"$0" 2>&1')
_API_VERSION: Final = "1.41"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the engine says about a node's container."""

    status: str
    exit: int
    """The exit code, or minus the signal; of its last end."""
    finished_at: str
    pid: int
    reason: str
    """Why it could not start, or that it was killed for its memory; "" otherwise."""

    @property
    def has_ended(self) -> bool:
        return self.status in _GONE


@dataclass(kw_only=True)
class ContainerNodes:
    """The nodes of one instance."""

    instance: Instance
    client: docker.DockerClient
    images: Mapping[str, Image] = field(default_factory=dict)
    """By service; needed only to start nodes."""
    _ends: dict[str, tuple[ProcessEnd, ...]] = field(default_factory=dict)
    """By node, the ends before its last start."""
    _glanced: dict[str, tuple[float, _Seen]] = field(default_factory=dict)
    """By node, what was seen at a time (monotonic seconds), for checks that are made many times a second."""
    _meter: UsageMeter = field(default_factory=UsageMeter)
    _handing_over: threading.Lock = field(default_factory=threading.Lock)

    def create_network(self, subnet: str) -> None:
        """Create the network of all nodes. Raises ``PlatformError``, for example for a subnet in use."""
        with _docker_errors(f"create the network of {self.instance.id}"):
            network = Network(
                docker_network_kw={
                    "driver": "bridge",
                    "labels": self._labels(),
                    "ipam": IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)]),
                }
            )
            network.name = self.instance.id
            network.create()

    def install(self, one: PlannedNode, launch: Launch) -> None:
        """Write the node's files, for the user of its container."""
        write_files(launch.files)
        folders = (one.node.data_dir, one.node.tmp_dir, one.cluster.shared_dir, self.instance.logs)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        self._log(one.name).touch()
        if os.getuid() == 0:
            with self._handing_over:
                for path in (self._log(one.name), one.cluster.shared_dir, one.node.data_dir):
                    _hand_over(path)

    def run(self, one: PlannedNode, launch: Launch) -> None:
        """Start the node's container: a new one, or the one that ended."""
        with _docker_errors(f"start {one.name}"):
            seen = self._seen(one.name)
            if seen is None:
                self._start_new(one, launch)
                return
            self._ends[one.name] = self._all_ends(one.name, seen)
            self._glanced.pop(one.name, None)
            self._container(one.name).start()

    def ended(self, name: str) -> str:
        """How the node's container ended; "" while it runs."""
        seen = self._glance(name)
        if not seen.has_ended:
            return ""
        return f"{how_ended(seen.exit)} {seen.reason}".strip()

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume the container; the engine returns once that is done."""
        seen = self._known(name)
        if seen.has_ended:
            if action == "resume":
                return
            raise PlatformError(f"cannot {action} {name}: it has already ended, {how_ended(seen.exit)}")
        self._glanced.pop(name, None)
        with _docker_errors(f"{action} {name}"):
            container = self._container(name)
            match action:
                case "kill":
                    container.kill()
                    container.wait()
                    self._confirm_killed(name)
                case "pause":
                    container.pause()
                case "resume" if seen.status == "paused":
                    container.unpause()

    def process_state(self, name: str) -> ProcessState:
        """What the engine says about the container."""
        seen = self._known(name)
        if seen.has_ended:
            return "ended"
        return "paused" if seen.status == "paused" else "running"

    def status(self) -> tuple[ProcessStatus, ...]:
        """All started nodes."""
        found = {name: seen for name in self.instance.places if (seen := self._seen(name)) is not None}
        usages = self._meter.measure([seen.pid for seen in found.values() if not seen.has_ended])
        return tuple(self._status(name, seen, usages) for name, seen in found.items())

    def stop(self, instance: Instance) -> None:
        """Stop each layer of nodes, then remove every container and the network."""
        for layer in instance.stop_layers():
            with ThreadPoolExecutor(max_workers=len(layer)) as pool:
                list(pool.map(lambda name: self._stop(instance, name), layer))
        keep_files(instance, {name: seen.exit for name in instance.places if (seen := self._seen(name))})
        remove(self.client, instance.id)

    def _start_new(self, one: PlannedNode, launch: Launch) -> None:
        node, place, data = one.node, one.place, one.node.data_dir
        role = one.service.roles[node.spec.role]
        caches = [cache_dir() / name for name in ("derived", "built")]
        for cache in caches:
            cache.mkdir(parents=True, exist_ok=True)
        container = DockerContainer(
            self.images[node.spec.service].tag,
            env={**launch.env, "FLOODMARK_LISTENS": f"{node.address}/{place.port}"},
            name=self._container_name(one.name),
            volumes=[
                *(
                    (str(path), str(path), "rw")
                    for path in (data, one.cluster.shared_dir, self._log(one.name))
                ),
                *((str(path), str(path), "ro") for path in caches),
            ],
        )
        container.with_command([str(self._log(one.name)), *launch.argv])
        container.with_kwargs(
            entrypoint=[*_TO_LOG_FILE],
            user=f"{_UNPRIVILEGED}:{_UNPRIVILEGED}" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}",
            working_dir=str(data),
            hostname=one.name,
            labels=self._labels(one.name),
            network=self.instance.id,
            networking_config={self.instance.id: EndpointConfig(_API_VERSION, ipv4_address=node.address)},
            mem_limit=node.spec.memory_bytes + role.overhead_bytes,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        )
        published: dict[str, Any] = {f"{port}/tcp": (place.client_address, port) for port in role.ports}
        container.ports = published
        container.start()

    def _stop(self, instance: Instance, name: str) -> None:
        """SIGTERM, and SIGKILL for a node that does not exit in time. A stopped one is left alone."""
        seen = self._seen(name)
        if seen is None or seen.has_ended:
            return
        with _docker_errors(f"stop {name}"):
            container = self._container(name)
            if seen.status == "paused":
                container.unpause()
            container.stop(timeout=round(stop_timeout_s(instance, name)))

    def _confirm_killed(self, name: str) -> None:
        exit_code = self._known(name).exit
        if exit_code != -signal.SIGKILL:
            raise PlatformError(f"{name} ended {how_ended(exit_code)} just before it could be killed")

    def _status(self, name: str, seen: _Seen, usages: Mapping[int, Usage]) -> ProcessStatus:
        usage = usages.get(seen.pid, Usage())
        return ProcessStatus(
            name=name,
            state=_state(seen),
            pid=None if seen.has_ended else seen.pid,
            memory_bytes=usage.memory_bytes,
            cpu_s=usage.cpu_s,
            ends=self._all_ends(name, seen),
        )

    def _all_ends(self, name: str, seen: _Seen) -> tuple[ProcessEnd, ...]:
        earlier = self._ends.get(name, ())
        if not seen.has_ended:
            return earlier
        return (*earlier, ProcessEnd(at_monotonic_ns=_monotonic_ns(seen.finished_at), exit=seen.exit))

    def _glance(self, name: str) -> _Seen:
        """What was last seen, if that is recent: to look costs milliseconds."""
        at_s, seen = self._glanced.get(name, (float("-inf"), None))
        if seen is None or time.monotonic() - at_s >= _GLANCE_S:
            seen = self._known(name)
            self._glanced[name] = time.monotonic(), seen
        return seen

    def _known(self, name: str) -> _Seen:
        seen = self._seen(name)
        if seen is None:
            raise PlatformError(f"no container of {self.instance.id} is called {name!r}")
        return seen

    def _seen(self, name: str) -> _Seen | None:
        try:
            with _docker_errors(f"look at {name}"):
                state = self.client.api.inspect_container(self._container_name(name))["State"]
        except NotFound:
            return None
        if state["Status"] == "created" and not state["Error"]:
            return None
        return _Seen(
            status="exited" if state["Error"] else state["Status"],
            exit=-signal.SIGKILL if state["ExitCode"] == _KILLED else state["ExitCode"],
            finished_at=state["FinishedAt"],
            pid=state["Pid"],
            reason=state["Error"] or ("for its memory limit" if state["OOMKilled"] else ""),
        )

    def _container(self, name: str) -> Container:
        return self.client.containers.get(self._container_name(name))

    def _container_name(self, name: str) -> str:
        return f"{self.instance.id}-{name}"

    def _labels(self, node: str = "") -> dict[str, str]:
        return {INSTANCE_LABEL: self.instance.id, **({NODE_LABEL: node} if node else {})}

    def _log(self, name: str) -> Path:
        return self.instance.logs / f"{name}.log"


def subnet_of(slot: int) -> ipaddress.IPv4Network:
    """The network of the instance that holds a slot, in the block reserved for benchmarks (RFC 2544)."""
    return ipaddress.IPv4Network(f"198.18.{slot}.0/24")


def addresses_in(subnet: ipaddress.IPv4Network, nodes: Iterator[str]) -> dict[str, str]:
    """An address for each node; the first is the gateway's."""
    hosts = subnet.hosts()
    next(hosts)
    return dict(zip(nodes, map(str, hosts), strict=False))


def _state(seen: _Seen) -> State:
    if seen.has_ended:
        return "stopped" if seen.exit in ENDED_IN_ORDER else "dead"
    return "paused" if seen.status == "paused" else "running"


def _monotonic_ns(
    at: str,
    wall_ns: Callable[[], int] = time.time_ns,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
) -> int:
    """A time of the engine, such as ``2026-12-01T12:00:00.123456789Z``, on this machine's monotonic clock."""
    whole, _, fraction = at.removesuffix("Z").partition(".")
    at_ns = int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 10**9 + int(f"{fraction:0<9}"[:9])
    return monotonic_ns() - (wall_ns() - at_ns)


def _hand_over(path: Path) -> None:
    """Give a file, or a folder with all that is in it, to the containers' user; once."""
    if path.stat().st_uid == _UNPRIVILEGED:
        return
    for one in (*path.rglob("*"), path):
        os.chown(one, _UNPRIVILEGED, _UNPRIVILEGED)


@contextmanager
def _docker_errors(what: str) -> Iterator[None]:
    """Raise ``PlatformError`` for whatever the engine refuses, except what it does not know."""
    try:
        yield
    except NotFound:
        raise
    except APIError as error:
        raise PlatformError(f"cannot {what}: {error.explanation or error}") from error
    except (DockerException, OSError) as error:
        raise PlatformError(f"cannot {what}: {error}") from error
