"""Runs ``floodmark`` as a user does, and looks for what it may have left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    exit_code: int
    stdout: bytes
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        answer: dict[str, Any] = orjson.loads(self.stdout)
        return answer

    def failed(self) -> set[str]:
        """The names of the checks whose findings are FAIL."""
        return {f["name"] for f in self.json["findings"] if f["verdict"] == "FAIL"}

    def table(self) -> str:
        """Every finding on a line, for the message of an assertion."""
        return "\n".join(
            f"{f['verdict']:13} {f['name']:26} {f['observed']} {f['unit']} ({f['limit']}) {f['detail']}"
            for f in self.json["findings"]
        )


def start(arguments: Sequence[str], state: Path) -> subprocess.Popen[bytes]:
    """Start ``floodmark`` in a session of its own, as a shell would."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("floodmark")), *arguments],
        cwd=ROOT,
        env={**os.environ, "FLOODMARK_STATE": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def floodmark(*arguments: str, state: Path, timeout_s: float) -> Answer:
    """Run ``floodmark`` to its end."""
    process = start(arguments, state)
    stdout, stderr = process.communicate(timeout=timeout_s)
    return Answer(process.returncode, stdout, stderr.decode(errors="replace"))


def run(scenario: Path, folder: Path, *, timeout_s: float) -> Answer:
    """Run a scenario to its verdict, with everything in ``folder``, and see that it leaves no process."""
    answer = floodmark(
        *("run", str(scenario), "--out", str(folder / "runs"), "--output", "json"),
        state=folder / "state",
        timeout_s=timeout_s,
    )
    assert answer.stdout, answer.stderr
    assert left_behind(folder) == []
    return answer


def assert_passed(answer: Answer) -> None:
    """The verdict is PASS, in every form in which it is given."""
    assert answer.json["verdict"] == "PASS", answer.table()
    assert answer.exit_code == 0
    assert {"findings", "run_id", "seed", "report"} <= answer.json.keys()
    assert Path(answer.json["report"]).stat().st_size > 0


def left_behind(*marks: Path) -> list[str]:
    """Processes of which the command line or the environment names one of these paths."""
    left = []
    for process in psutil.process_iter():
        try:
            command, environment = process.cmdline(), process.environ()
        except psutil.Error:
            continue  # it ended while we looked
        words = [*command, *environment.values()]
        if process.pid != os.getpid() and any(str(mark) in word for mark in marks for word in words):
            left.append(f"{process.pid} {' '.join(command)[:120]}")
    return left
