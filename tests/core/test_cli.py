from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import typer
from rich.console import Console

from harness.base.errors import FloodmarkError, InvalidInput, PlatformError, Problem, RunError
from harness.cli import main as cli
from harness.cli.main import COMMANDS, Command, Group, invoke
from harness.cli.output import OutputFormat, OutputOption, Progress
from harness.faults.registry import FAULTS
from tests.core.scenario_parts import FIXTURES

PROBLEM = Problem(where="x.yaml:3: seed", found="-1", allowed="0 or more")
Raising = Callable[[BaseException], None]


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Raising:
    """Gives the command line a command, ``try``, that raises what the test says."""

    def prepare(error: BaseException) -> None:
        def tried(output: OutputOption = OutputFormat.TEXT) -> None:
            raise error

        monkeypatch.setattr(Command, "load", lambda self: tried)
        command = Command(module="", function="", summary="")
        monkeypatch.setattr(cli, "COMMANDS", {"try": command, "other": command})

    return prepare


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput([PROBLEM]), 2),
        (RunError("no history"), 3),
        (PlatformError("no broker"), 4),
        (FloodmarkError("other"), 3),
        (KeyboardInterrupt(), 130),
        (typer.Exit(1), 1),
        (typer.BadParameter("x"), 2),
        (ZeroDivisionError(), 3),
    ],
)
def test_an_error_ends_with_its_exit_code(raising: Raising, error: BaseException, code: int) -> None:
    raising(error)
    assert invoke(["try"]) == code


def test_refused_input_is_a_list_on_standard_error(
    raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(InvalidInput([PROBLEM, PROBLEM]))
    invoke(["try"])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("  - x.yaml:3: seed: found -1; allowed: 0 or more") == 2


def test_an_error_is_one_json_object_where_json_was_asked_for(
    raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(InvalidInput([PROBLEM]))
    invoke(["try", "--output", "json"])
    assert json.loads(capsys.readouterr().out) == {
        "exit_code": 2,
        "error": {
            "kind": "InvalidInput",
            "message": "1 problem:\n  - x.yaml:3: seed: found -1; allowed: 0 or more",
            "problems": [{"where": "x.yaml:3: seed", "found": "-1", "allowed": "0 or more"}],
        },
    }


USAGE = [
    ["--output", "json"],
    ["nonsense", "--output", "json"],
    ["--output", "json", "validate", "quickstart"],
    ["validate", "--output", "json"],
    ["validate", "quickstart", "--nonsense", "--output", "json"],
    ["--nonsense", "validate", "quickstart", "--output=json"],
    ["validate", "quickstart", "--output", "text", "--output", "json", "--nonsense"],
    ["run", "--output", "json"],
    ["run", "quickstart", "--seed", "seven", "--output", "json"],
    ["run", "--output=json", "quickstart", "--seed=-1"],
    ["run", "quickstart", "--output", "json", "--seed"],
    ["run", "quickstart", "more", "--output", "json"],
    ["judge", "--out", __file__, "--output", "json"],
    ["list", "nonsense", "--output", "json"],
    ["join", "host", "--output", "json"],
    ["lake", "--output", "json"],
    ["lake", "nonsense", "--output", "json"],
    ["lake", "run", "--date", "yesterday", "--output", "json"],
    ["lake", "backfill", "--output", "json", "--from", "2026-11-14"],
    ["quality", "report", "--output", "json"],
    ["validate", "quickstart", "--output"],
    ["validate", "quickstart", "--output", "JSON"],
    ["validate", "quickstart", "--output=yaml"],
]
"""Each is one mistake of a program that asks for an object, or wants some other format than text."""


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_a_wrong_command_line_is_one_json_object(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(arguments) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["error"]["kind"]) == (2, "UsageError")
    (problem,) = told["error"]["problems"]
    assert problem["found"] == told["error"]["message"] != ""
    assert problem["where"].startswith("floodmark")
    assert "--help" in problem["allowed"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["validate", "--nonsense"],
        ["run", "--output", "text"],
        ["run", "--output", "json", "--output", "text"],
        ["run", "quickstart", "--nonsense", "--", "--output", "json"],
    ],
    ids=" ".join,
)
def test_people_are_told_of_a_wrong_command_line_on_standard_error_alone(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")


@pytest.mark.parametrize("arguments", [["run", "--help", "--output", "json"], ["lake", "--help"]])
def test_help_stays_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: floodmark")


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (PlatformError("no broker"), "PlatformError", 4),
        (FloodmarkError("other"), "FloodmarkError", 3),
        (KeyboardInterrupt(), "Interrupted", 130),
        (typer.Abort(), "Interrupted", 130),
        (typer.BadParameter("x"), "UsageError", 2),
        (ZeroDivisionError("oh"), "ZeroDivisionError", 3),
        (OSError(28, "No space left on device"), "OSError", 3),
    ],
)
def test_whatever_ends_a_command_is_one_json_object(
    raising: Raising, capsys: pytest.CaptureFixture[str], error: BaseException, kind: str, code: int
) -> None:
    raising(error)
    assert invoke(["try", "--output", "json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["error"]["kind"]) == (code, kind)


def test_a_command_that_cannot_be_imported_says_so_to_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Command(module="harness.cli.nowhere", function="x", summary="Broken.")
    monkeypatch.setattr(cli, "COMMANDS", {"broken": broken})
    assert invoke(["broken", "--output", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "ModuleNotFoundError"


def test_a_name_that_is_no_unicode_is_told_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", "\udcff.yaml", "--output", "json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["error"]["problems"]
    assert problem["where"] == "\\udcff.yaml"


def test_a_bug_shows_its_traceback(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    raising(ZeroDivisionError("oh"))
    invoke(["try"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["--nonsense"], ["validate"]])
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    assert invoke(arguments) == 2


def commands() -> Iterator[list[str]]:
    """The words of every command."""
    for name, entry in COMMANDS.items():
        if isinstance(entry, Group):
            yield from ([name, further] for further in entry.commands)
        else:
            yield [name]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*words, "--help"]) == 0
    assert f"Example: floodmark {' '.join(words)}" in capsys.readouterr().out


def test_a_groups_commands_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["lake", "--help"]) == 0
    assert "Run a range of days again." in capsys.readouterr().out


def test_help_imports_no_command() -> None:
    script = "import sys; from harness.cli.main import invoke; invoke(['--help']); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert {f"harness.cli.{name}" for name in COMMANDS}.isdisjoint(loaded)
    assert {"duckdb", "pyarrow", "pydantic"}.isdisjoint(loaded)


def test_a_command_that_cannot_be_imported_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Command(module="harness.cli.nowhere", function="x", summary="Broken.")
    monkeypatch.setattr(cli, "COMMANDS", {**COMMANDS, "broken": broken})
    assert invoke(["--help"]) == 0
    assert invoke(["broken"]) == 3
    assert invoke(["list", "faults"]) == 0


def test_listing_as_json_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["list", "faults", "--output", "json"])
    assert [fault["name"] for fault in json.loads(capsys.readouterr().out)["faults"]] == [*FAULTS]


def test_everything_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["list"]) == 0
    assert "quickstart" in capsys.readouterr().err


def test_valid_scenarios_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", "quickstart", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"][0]["name"] == "quickstart"


def test_problems_of_every_scenario_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", str(FIXTURES / "rides.yaml"), "nowhere.yaml"]) == 2
    shown = capsys.readouterr().err
    assert "rides.yaml:4: topology" in shown or "tiny.yaml" in shown
    assert "nowhere.yaml: found No such file" in shown


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Scenario"


def test_progress_tells_the_seconds_since_it_began() -> None:
    text, clock = io.StringIO(), iter([10.0, 12.5])
    Progress(Console(file=text), clock=lambda: next(clock))("broker [1] ready")
    assert text.getvalue() == "    2.5 s  broker [1] ready\n"
