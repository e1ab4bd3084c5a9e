"""The parent of every process of one platform. When it ends, or its owner does, they all end.

Run as a script, by its path, with nothing but the standard library: it is small, starts in milliseconds, and
shares no module with what it has to outlive.

What it guarantees, and how:
- The owner dies, by any signal: its end of the channel closes and its pidfd becomes readable; everything
  is killed and the data folder removed. After ``detach`` the platform outlives its owner.
- The owner's own parent dies (a shell that was killed): the owner is sent SIGHUP, as a terminal would.
- This process dies, even by SIGKILL: the kernel kills each child, by PR_SET_PDEATHSIG.
- A child leaves children behind: they become children of this process, by PR_SET_CHILD_SUBREAPER.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOCKET_NAME = "supervisor.sock"
MARK = "FLOODMARK_INSTANCE"
"""A variable in the environment of every process of an instance. Strays are found by it."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SIGNALS = {
    "terminate": signal.SIGTERM,
    "kill": signal.SIGKILL,
    "pause": signal.SIGSTOP,
    "resume": signal.SIGCONT,
}
_libc = ctypes.CDLL(None, use_errno=True)
"""Loaded before anything forks, so that a child between fork and exec allocates nothing."""


class Refused(Exception):
    """A request that cannot be met; the message goes back to the client."""


class Child:
    """One process with a name, which leads a session and process group of its own."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], ends: list[dict[str, int]]) -> None:
        self.name, self.process = name, process
        self.ends = ends  # of every process of this name so far
        self.started_at = time.time()
        self.paused = False

    def row(self) -> dict[str, Any]:
        """As clients get it."""
        return {
            "name": self.name,
            "pid": self.process.pid,
            "exit": self.process.returncode,
            "paused": self.paused,
            "started_at": self.started_at,
            "ends": self.ends,
        }


class Supervisor:
    """Answers requests, one JSON object a line, and reaps whatever ends."""

    def __init__(self, *, instance: str, data: Path, home: Path, owner: int) -> None:
        self.instance, self.data, self.home = instance, data, home
        self.pid = os.getpid()
        self.children: dict[str, Child] = {}
        self.detached = False
        self.ending = False
        self.owner_pid = owner
        self.selector = selectors.DefaultSelector()
        self.operations: dict[str, Callable[..., dict[str, Any]]] = {
            "spawn": self.spawn,
            "signal": self.signal,
            "rows": self.rows,
            "detach": self.detach,
            "end": self.end,
        }

    def spawn(self, name: str, argv: list[str], env: dict[str, str], log: str, cwd: str) -> dict[str, Any]:
        """Start a process whose output is appended to the log."""
        running = self.children.get(name)
        if running is not None and running.process.returncode is None:
            raise Refused(f"{name} runs already")
        with open(log, "ab") as output:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**env, MARK: self.instance},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=self._die_with_parent,  # noqa: PLW1509 -- this process has one thread only
            )
        self.children[name] = Child(name, process, running.ends if running else [])
        return self.children[name].row()

    def _die_with_parent(self) -> None:
        """In the child, before exec. Had the parent died before the request, nothing would end the child."""
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.pid:
            os._exit(1)

    def signal(self, name: str, action: str) -> dict[str, Any]:
        """Signal the whole process group. That it has already ended is not an error."""
        child = self.children.get(name)
        if child is None or action not in _SIGNALS:
            raise Refused(f"cannot {action} {name!r}: unknown")
        if child.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, _SIGNALS[action])
            child.paused = {"pause": True, "resume": False}.get(action, child.paused)
        return child.row()

    def rows(self) -> dict[str, Any]:
        """Every child that was ever spawned, dead or alive."""
        self.reap()
        return {"rows": [child.row() for child in self.children.values()], "detached": self.detached}

    def detach(self) -> dict[str, Any]:
        """From now on the platform outlives its owner."""
        self.detached = True
        return {}

    def end(self) -> dict[str, Any]:
        """Kill everything, remove the data and this process's own folder; then exit."""
        self.kill_all()
        for folder in (self.data, self.home):
            try:
                shutil.rmtree(folder)
            except OSError as error:
                print(f"could not remove {folder}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        self.ending = True
        return {}

    def kill_all(self) -> None:
        """Kill every descendant. Orphans become our children, so we are done once we have none."""
        while True:
            for pid in _children_of(self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                self._reaped(*os.waitpid(-1, 0))
            except ChildProcessError:
                return

    def reap(self) -> None:
        """Collect every child that has ended, our own and those that we adopted."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                self._reaped(*ended)

    def _reaped(self, pid: int, status: int) -> None:
        for child in self.children.values():
            if child.process.pid == pid and child.process.returncode is None:
                child.process.returncode = os.waitstatus_to_exitcode(status)
                child.ends.append({"at_monotonic_ns": time.monotonic_ns(), "exit": child.process.returncode})
                child.paused = False

    def owner_gone(self) -> None:
        """The owner's channel or the owner itself ended."""
        if not self.detached and not self.ending:
            self.end()

    def shell_gone(self) -> None:
        """The owner's parent died."""
        if not self.detached:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.owner_pid, signal.SIGHUP)

    def serve(self, owner: socket.socket, listener: socket.socket, shell: int | None) -> None:
        """Answer until the end. Every event is handled in this one thread."""
        waking, woken = _wake_on_signals()
        self.selector.register(woken, selectors.EVENT_READ, lambda: self._signalled(woken))
        self.selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        self._converse(owner, self.owner_gone)
        self._watch(self.owner_pid, self.owner_gone)
        if shell is not None:
            self._watch(shell, self.shell_gone)
        with waking, woken:
            while not self.ending:
                for key, _ in self.selector.select():
                    key.data()

    def _signalled(self, woken: socket.socket) -> None:
        signals = woken.recv(4096)
        self.reap()
        if signal.SIGTERM in signals or signal.SIGINT in signals:
            self.end()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self._converse(connection, lambda: None)

    def _watch(self, pid: int, ended: Callable[[], None]) -> None:
        """Call ``ended`` once when the process ends; at once if it has."""
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            ended()
            return

        def readable() -> None:
            self.selector.unregister(handle)
            os.close(handle)
            ended()

        self.selector.register(handle, selectors.EVENT_READ, readable)

    def _converse(self, connection: socket.socket, closed: Callable[[], None]) -> None:
        """Answer each line that comes over the connection."""
        received = bytearray()

        def readable() -> None:
            try:
                data = connection.recv(1 << 16)
            except ConnectionError:
                data = b""
            if not data:
                self.selector.unregister(connection)
                connection.close()
                closed()
                return
            received.extend(data)
            while b"\n" in received:
                line, _, rest = bytes(received).partition(b"\n")
                received[:] = rest
                self._answer(connection, line)

        self.selector.register(connection, selectors.EVENT_READ, readable)

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
            reply = self.operations[request.pop("op")](**request)
        except (Refused, OSError, ValueError, TypeError, KeyError) as error:
            reply = {"error": str(error) or type(error).__name__}
        with contextlib.suppress(ConnectionError):
            connection.sendall(json.dumps(reply).encode() + b"\n")


def _children_of(parent: int) -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The command's name is in parentheses and may hold any character, so count from its end.
                fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
    return found


def _wake_on_signals() -> tuple[socket.socket, socket.socket]:
    """A socket from which each signal's number can be read, so that the loop never misses one."""
    waking, woken = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.fileno())
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return waking, woken


def main() -> None:
    """Entry point. The owner's channel, and what is to be held, are open file descriptors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instance", required=True)
    parser.add_argument("--home", type=Path, required=True, help="this instance's folder of state")
    parser.add_argument("--data", type=Path, required=True, help="removed with everything in it at the end")
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--hold", type=int, action="append", default=[], help="kept open, for its lock")
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--shell", type=int)
    options = parser.parse_args()
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit(f"this system has no child subreapers: {os.strerror(ctypes.get_errno())}")
    for held in options.hold:
        os.set_inheritable(held, False)
    os.chdir(options.home)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCKET_NAME)
    listener.listen()
    owner = socket.socket(fileno=options.channel)
    owner.set_inheritable(False)
    supervisor = Supervisor(
        instance=options.instance, data=options.data, home=options.home, owner=options.owner
    )
    supervisor.serve(owner, listener, options.shell)


if __name__ == "__main__":
    main()
