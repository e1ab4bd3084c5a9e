"""A Docker engine in one folder: its daemon, its socket and all that it stores."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
import psutil
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from harness.base.errors import PlatformError
from harness.base.files import write_atomically
from harness.base.report import Report
from harness.base.waiting import wait_until
from harness.processes.strays import kill_marked
from harness.processes.supervisor import MARK
from tests.container_engine import leftovers, machine
from tests.container_engine.base_image import provide, tarballs

_START_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 60.0
_PING_TIMEOUT_S: Final = 10
_API_TIMEOUT_S: Final = 300
_LINES_OF_LOG: Final = 10
_UNIX: Final = "unix://"
_PREDEFINED: Final = ("bridge", "host", "none")
_OPEN_FILES: Final = 1_048_576
"""What Debian's service sets, and containers inherit; as many as may be had where that is refused."""
_LONGEST_SOCKET: Final = 107
_LONGEST_BELOW: Final = len("/run/containerd/containerd-debug.sock")
_IN_NAMESPACE: Final = f"""\
ulimit -n {_OPEN_FILES} 2>/dev/null || ulimit -n "$(ulimit -H -n)"
for folder in {" ".join(leftovers.HIDDEN)}; do
  mkdir -p "$folder"
  mount --no-mtab -t tmpfs tmpfs "$folder"
done
exec "$@"
"""
"""Then what the engine mounts is seen by itself only, and ends with its last process."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the folder's engine is doing."""

    host: str
    """Its address, if it answers; "" otherwise."""
    text: str


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of a folder, which may be up or not."""

    folder: Path

    @property
    def host(self) -> str:
        """Its address, as ``DOCKER_HOST`` is set to."""
        return f"{_UNIX}{self.folder / 'docker.sock'}"

    def up(self, report: Report) -> None:
        """Bring the engine up with its base image; what is there already is left alone.

        Raises ``PlatformError``.
        """
        self._refuse_what_cannot_be()
        with self._alone(report):
            if (daemon := self._daemon()) is None:
                self._refuse_others()
                machine.install_packages(report)
                self._start(report)
            elif silent := silence(self.host):
                raise PlatformError(
                    f"dockerd (process {daemon.pid}) runs on {self.folder} but does not answer: {silent}. "
                    "Take it down first: python -m tests.container_engine down"
                )
            else:
                report("already up")
            with _client(self.host) as client:
                provide(client, self.folder, report)

    def down(self, report: Report, *, purge: bool = False) -> None:
        """Take the engine down and remove all of it; the base image's tarball is kept unless ``purge``.

        Raises ``PlatformError``.
        """
        if os.geteuid() != 0:
            raise PlatformError("only root can take the engine down")
        if not self.folder.exists():
            report(f"nothing to take down in {self.folder}")
            return
        with self._alone(report):
            self._stop(report)
            self._remove(report, purge=purge)
        if purge:
            shutil.rmtree(self.folder)

    def status(self) -> Status:
        """Return what the engine is doing."""
        kept = ", ".join(path.name for path in tarballs(self.folder)) or "none"
        if silent := silence(self.host):
            daemon = self._daemon()
            state = (
                f"down ({silent})" if daemon is None else f"dockerd ({daemon.pid}) does not answer: {silent}"
            )
            return Status(host="", text=f"{state}; base image kept in {self.folder}: {kept}")
        with _client(self.host) as client:
            version = client.version()["Version"]
            running, images = len(client.containers.list()), len(client.images.list())
        text = f"up: Docker {version}, {running} containers, {images} images; base image kept: {kept}"
        return Status(host=self.host, text=text)

    @property
    def _instance(self) -> str:
        """Marks its processes, and names its containers' control group."""
        return f"floodmark-engine-{zlib.crc32(bytes(self.folder)):08x}"

    @property
    def _config(self) -> Path:
        return self.folder / "daemon.json"

    @property
    def _run(self) -> Path:
        """What the engine needs only while it runs."""
        return self.folder / "run"

    @property
    def _log(self) -> Path:
        return self.folder / "dockerd.log"

    @property
    def _before(self) -> Path:
        return self.folder / "before.json"

    def _refuse_what_cannot_be(self) -> None:
        if reason := machine.refusal(self.folder):
            raise PlatformError(reason)
        if len(bytes(self.folder)) + _LONGEST_BELOW > _LONGEST_SOCKET:
            raise PlatformError(
                f"{self.folder} is too long a path for the sockets in it; choose a shorter one"
            )

    def _refuse_others(self) -> None:
        for process in self._other_daemons():
            raise PlatformError(
                f"another dockerd runs on this machine: process {process.pid}. Use that one (DOCKER_HOST), "
                "or stop it first: a second one would flush its firewall rules"
            )

    @contextmanager
    def _alone(self, report: Report) -> Iterator[None]:
        """Exclude other processes. The kernel releases the lock of a killed process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another process that is at work in {self.folder}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _start(self, report: Report) -> None:
        report(f"starting dockerd in {self.folder}")
        self._kill_strays()
        # A killed dockerd leaves the numbers of its processes there, and takes their zombies for alive.
        shutil.rmtree(self._run, ignore_errors=True)
        leftovers.record(self._before)
        config = {
            "data-root": str(self.folder / "data"),
            "exec-root": str(self._run),
            "pidfile": str(self._run / "dockerd.pid"),
            "hosts": [self.host],
            "bridge": "none",
            "cgroup-parent": f"/{self._instance}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
        }
        write_atomically(self._config, json.dumps(config, indent=2).encode())
        in_namespace = ("unshare", "--mount", "--propagation", "slave", "sh", "-ec", _IN_NAMESPACE, "sh")
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [*in_namespace, "dockerd", "--config-file", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**machine.system_environment(), MARK: self._instance},
            )

        def answers() -> bool:
            if process.poll() is not None:
                raise PlatformError(f"dockerd ended; last lines of {self._log}:\n{self._last_lines()}")
            return not silence(self.host)

        wait_until(answers, timeout_s=_START_TIMEOUT_S, what="dockerd to answer", last_seen=self._last_lines)
        process.returncode = 0  # no longer ours to wait for, so subprocess need not warn

    def _stop(self, report: Report) -> None:
        """Remove the containers and networks, and end every process, even after dockerd was killed."""
        if (daemon := self._daemon()) is not None and (silent := silence(self.host)):
            report(f"killing dockerd, which does not answer: {silent}")
            daemon.kill()
            self._await_end(daemon)
        if self._daemon() is None and leftovers.is_of_this_boot(self._before):
            self._revive(report)
        if (daemon := self._daemon()) is not None:
            report("removing containers and networks, and stopping dockerd")
            with _client(self.host) as client:
                wait_until(
                    lambda: _is_emptied(client),
                    timeout_s=_STOP_TIMEOUT_S,
                    what="containers and networks to be removed",
                    transient=(APIError,),
                )
            daemon.terminate()
            self._await_end(daemon)
        self._kill_strays()

    def _await_end(self, daemon: psutil.Process) -> None:
        wait_until(
            lambda: not _lives(daemon),
            timeout_s=_STOP_TIMEOUT_S,
            what="dockerd to end",
            last_seen=self._last_lines,
        )

    def _revive(self, report: Report) -> None:
        """Start a dockerd that was killed once more: only it knows which networks to remove."""
        try:
            self._start(report)
        except PlatformError as error:
            report(f"{error}\nif it had networks, their bridges (br-...) and firewall rules stay")

    def _remove(self, report: Report, *, purge: bool) -> None:
        if others := [process.pid for process in self._other_daemons()]:
            report(f"firewall rules stay as they are: another dockerd ({others[0]}) has made them its own")
            self._before.unlink(missing_ok=True)
        leftovers.undo(self._before)
        leftovers.remove_cgroups(self._instance)
        leftovers.unmount(self.folder)
        kept = [self.folder / "lock", *([] if purge else tarballs(self.folder))]
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path not in kept:
                path.unlink()
        report(f"down; kept in {self.folder}: {', '.join(path.name for path in kept[1:]) or 'nothing'}")

    def _kill_strays(self) -> None:
        """Kill what outlived dockerd: its containers, and its own helpers."""

        def none_left() -> bool:
            left = [process for process in psutil.process_iter() if self._is_contained(process)]
            for process in left:
                process.kill()
            return not left

        wait_until(
            none_left,
            timeout_s=_STOP_TIMEOUT_S,
            what="containers to end",
            transient=(psutil.NoSuchProcess,),
        )
        kill_marked(self._instance)

    def _is_contained(self, process: psutil.Process) -> bool:
        try:
            groups = Path(f"/proc/{process.pid}/cgroup").read_text()
        except OSError:  # it has ended
            return False
        return f"/{self._instance}/" in groups and _lives(process)

    def _daemon(self) -> psutil.Process | None:
        """The engine's own dockerd, which runs on its configuration."""
        return next((one for one, command in _daemons() if str(self._config) in command), None)

    def _other_daemons(self) -> Iterator[psutil.Process]:
        """Other engines, unless they have a network of their own, as those in containers have."""
        for process, command in _daemons():
            with suppress(FileNotFoundError):  # it has ended
                shares_network = Path(f"/proc/{process.pid}/ns/net").samefile("/proc/self/ns/net")
                if shares_network and str(self._config) not in command:
                    yield process

    def _last_lines(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LINES_OF_LOG:])


@contextmanager
def _client(host: str) -> Iterator[docker.DockerClient]:
    """Connect to the engine. Raises ``PlatformError``, whatever fails in it."""
    try:
        with closing(docker.DockerClient(base_url=host, timeout=_API_TIMEOUT_S)) as client:
            yield client
    except (DockerException, RequestException) as error:
        raise PlatformError(f"the Docker engine at {host} failed: {error}") from error


def silence(host: str) -> str:
    """Return why no engine answers at an address; "" if one does."""
    try:
        if host.startswith(_UNIX):  # Docker's library leaves a socket open that it cannot connect
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(host.removeprefix(_UNIX))
        environment = {**os.environ, "DOCKER_HOST": host}
        with closing(docker.from_env(timeout=_PING_TIMEOUT_S, environment=environment)) as client:
            client.ping()
    except (DockerException, OSError, ValueError) as error:  # the last if it is no address at all
        return str(error)
    return ""


def _is_emptied(client: docker.DockerClient) -> bool:
    for container in client.containers.list(all=True, sparse=True):
        container.remove(force=True, v=True)
    for network in client.networks.list():
        if network.name not in _PREDEFINED:
            network.remove()
    return not client.containers.list(all=True, sparse=True)


def _daemons() -> Iterator[tuple[psutil.Process, list[str]]]:
    """Every dockerd, and its command line."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "dockerd" and _lives(process):
            yield process, process.info["cmdline"]


def _lives(process: psutil.Process) -> bool:
    """Whether it is there and no zombie, which some parents never collect."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
