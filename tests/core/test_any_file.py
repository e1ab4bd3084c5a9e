"""Whatever stands where a file is asked for is refused in our words, never waited for and no crash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.errors import InvalidInput
from harness.cli.main import invoke
from harness.run.folder import RunFolder
from harness.validate.scenario_file import load_scenario
from tests.core.histories import scenario
from tests.core.scenario_parts import RIDES, WORDS, problems_of

TEXT = RIDES.read_bytes()
LONG = "x" * 5000


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


THINGS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "an empty file": written(b""),
    "noise": written(bytes(range(256)) * 8),
    "a NUL": written(b"name: a\0b\n"),
    "UTF-16": written(TEXT.decode().encode("utf-16")),
    "Latin-1": written(TEXT + "# é".encode("latin-1")),
    "a large file": written(b"#" * (2**21)),
    "brackets": written(b"[" * 100_000),
    "braces": written(b'{"a":' * 100_000),
    "anchors": written(b"a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
    "a long number": written(b'{"seed": ' + b"9" * 5000 + b"}"),
    "another shape": written(b"[topology, {load: 3}]"),
    "sections of other shapes": written(
        b"topology: []\npipeline: 3\nload: [1]\nbatch: x\nfaults: {}\nexpect: [3, {check: []},"
        b" {check: duplicates, thresholds: [[1], 3]}]\nexpect_fail: [[1]]\nname: {}\n"
    ),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
}
COMMANDS = {
    "validate": ["validate", "FILE"],
    "run": ["run", "FILE"],
    "up": ["up", "FILE"],
    "lake": ["lake", "run", "--endpoints", "FILE"],
    "quality": ["quality", "report", "--date", "2026-11-20", "--endpoints", "FILE"],
    "judge": ["judge", "FILE"],
    "report": ["report", "FILE"],
}


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The only object on standard output of a command that was refused."""
    assert invoke([*arguments, "--output", "json"]) == 2
    streams = capsys.readouterr()
    assert "Traceback" not in streams.err
    answer: dict[str, Any] = json.loads(streams.out)
    assert (answer["exit_code"], answer["error"]["kind"]) == (2, "InvalidInput")
    return answer


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("thing", THINGS)
def test_any_file_is_refused(
    command: str, thing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "given"
    THINGS[thing](file)
    refusal([str(file) if word == "FILE" else word for word in COMMANDS[command]], capsys)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [LONG, "\udcff", "a/" * 500, ""], ids=["long", "bytes", "deep", "empty"])
def test_any_name_of_a_file_is_refused(command: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    refusal([name if word == "FILE" else word for word in COMMANDS[command]], capsys)


@pytest.mark.parametrize(
    ("command", "thing"),
    [
        (["judge"], "a pipe"),
        (["report"], "a folder"),
        (["judge"], "a link to itself"),
        (["report"], "nothing"),
    ],
)
def test_what_is_no_run_is_refused(
    command: list[str], thing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    THINGS[thing](tmp_path / "scenario.json")
    refusal([*command, str(tmp_path)], capsys)


@pytest.mark.parametrize("trace", [f"traces/{LONG}", '"a\\0b"', "loop.yaml", "pipe.yaml", "traces", '""'])
def test_any_trace_is_refused(trace: str, tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (told,) = problems_of(tmp_path, "traces/rides.yaml", trace)
    assert told.startswith("10: load.trace: found ")
    assert told.endswith("the path of a mapping file, from the scenario's folder")


def test_a_pipe_is_named_for_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InvalidInput, match=r"pipe\.yaml: found Not a regular file; allowed: a readable YAML"):
        load_scenario(tmp_path / "pipe.yaml", words=WORDS)


@pytest.mark.parametrize("out", [LONG, "/proc", "/dev/null/runs"], ids=["long", "kernel", "in a file"])
def test_a_folder_that_no_run_can_be_recorded_in_is_refused(out: str) -> None:
    with pytest.raises(InvalidInput, match=r"--out: found .*; allowed: a folder that can be written"):
        RunFolder.create(Path(out), scenario(), date(2026, 1, 1))


def test_a_folder_does_not_hide_a_scenario_of_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quickstart").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_scenario(Path("quickstart")).name == "quickstart"


spoilt = st.builds(
    lambda at, put, over: TEXT[:at] + put + TEXT[at + over :],
    st.integers(0, len(TEXT)),
    st.binary(max_size=12),
    st.integers(0, 40),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a scenario finds the topology and the trace of the fixtures."""
    made = tmp_path_factory.mktemp("any")
    for name in ("topologies", "traces"):
        (made / name).symlink_to(RIDES.parent / name)
    return made


@given(content=st.binary(max_size=200) | spoilt)
def test_bytes_are_a_scenario_or_refused(folder: Path, content: bytes) -> None:
    (folder / "any.yaml").write_bytes(content)
    with suppress(InvalidInput):
        load_scenario(folder / "any.yaml", words=WORDS)
