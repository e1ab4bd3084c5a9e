"""How the harness starts a supervisor and talks to it: one JSON object a line, over a Unix socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.base.errors import PlatformError
from harness.processes import supervisor
from harness.processes.protocol import Action, ProcessEnd

_TIMEOUT_S = 60.0
"""For one answer. Only ending a platform takes longer than milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the supervisor of one instance and its processes are at home."""

    id: str
    """Every process of the instance carries it in its environment."""
    home: Path
    """The folder of the instance's record and of the supervisor's socket."""
    data: Path
    """Removed with everything in it when the supervisor ends."""
    logs: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """What the supervisor knows about one process."""

    name: str
    pid: int
    exit: int | None
    """The exit code, or minus the signal; None while it runs."""
    paused: bool
    started_at: float
    """Seconds since 1970."""
    ends: tuple[ProcessEnd, ...] = ()
    """Every end of a process of this name so far."""


class SupervisorClient:
    """One conversation with a supervisor. Safe to use from several threads."""

    def __init__(self, connection: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        self._process = process
        self._connection = connection
        self._connection.settimeout(_TIMEOUT_S)
        self._stream = connection.makefile("rb")
        self._lock = threading.Lock()

    @staticmethod
    def start(site: Site, *, holds: Collection[int] = ()) -> SupervisorClient:
        """Start the supervisor of a new instance. It keeps the file descriptors ``holds`` open to its end."""
        ours, theirs = socket.socketpair()
        with ours, theirs, (site.logs / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(Path(supervisor.__file__).resolve())),
                    *("--instance", site.id),
                    *("--home", str(site.home)),
                    *("--data", str(site.data)),
                    *("--channel", str(theirs.fileno())),
                    *(text for number in holds for text in ("--hold", str(number))),
                    *("--owner", str(os.getpid())),
                    *_shell_option(),
                ],
                pass_fds=(theirs.fileno(), *holds),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={supervisor.MARK: site.id},
            )
            client = SupervisorClient(ours.dup(), process)
        client.rows()
        return client

    @staticmethod
    def connect(home: Path) -> SupervisorClient | None:
        """Speak to the supervisor that is at home in this folder; None if it does not run."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            folder = os.open(home, os.O_PATH)
        except FileNotFoundError:
            return None
        try:
            # Socket paths are limited to 108 bytes; this one is short wherever the folder is.
            connection.connect(f"/proc/self/fd/{folder}/{supervisor.SOCKET_NAME}")
        except (ConnectionError, FileNotFoundError):
            connection.close()
            return None
        finally:
            os.close(folder)
        return SupervisorClient(connection)

    def spawn(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path
    ) -> ProcessRow:
        """Start a process."""
        return _row(self._ask("spawn", name=name, argv=[*argv], env={**env}, log=str(log), cwd=str(cwd)))

    def signal(self, name: str, action: Action | Literal["terminate"]) -> ProcessRow:
        """Signal a process and its group."""
        return _row(self._ask("signal", name=name, action=action))

    def rows(self) -> tuple[ProcessRow, ...]:
        """Every process that was started, dead or alive, in the order of their first start."""
        return tuple(_row(row) for row in self._ask("rows")["rows"])

    def is_detached(self) -> bool:
        """Whether the platform outlives the process that started it."""
        return bool(self._ask("rows")["detached"])

    def detach(self) -> None:
        """Let the platform outlive this process."""
        self._ask("detach")
        if self._process is not None:
            self._process.returncode = 0  # no longer ours to wait for, so subprocess need not warn

    def end(self) -> None:
        """Kill everything that is left, remove the data, and end the supervisor."""
        self._ask("end")
        if self._process is not None:
            self._process.wait()

    def close(self) -> None:
        """End the conversation with a supervisor that has ended or was killed, and wait until it is gone."""
        if self._process is not None:
            self._process.wait()
        self._stream.close()
        self._connection.close()

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Ask and wait for the answer. Raises ``PlatformError``."""
        with self._lock:
            try:
                self._connection.sendall(json.dumps({"op": operation, **arguments}).encode() + b"\n")
                line = self._stream.readline()
            except (OSError, ValueError) as error:
                raise PlatformError(f"the supervisor does not answer: {error}") from error
        if not line:
            raise PlatformError("the supervisor is gone, and every process of the platform with it")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PlatformError(answer["error"])
        return answer


def _row(answer: Mapping[str, Any]) -> ProcessRow:
    ends = tuple(ProcessEnd(**end) for end in answer.get("ends", ()))
    return ProcessRow(**{**answer, "ends": ends})


def _shell_option() -> tuple[str, ...]:
    """Our parent, for the supervisor to watch, unless we were put in the background on purpose.

    A process that was meant to survive its shell ignores SIGHUP (nohup) or SIGINT (``&`` in a script), leads
    a session of its own (setsid), or has no parent that could die.
    """
    ignored = (signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGHUP, signal.SIGINT))
    parent = os.getppid()
    if parent <= 1 or os.getsid(0) == os.getpid() or any(ignored):
        return ()
    return ("--shell", str(parent))
