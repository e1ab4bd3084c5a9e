"""``floodmark run``: what becomes of a run that breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.base.errors import LoadFailed, PlatformError
from harness.cli import run as run_command
from harness.cli.main import invoke
from harness.judge.judge import judge_opened
from harness.judge.measure.finding import Verdict
from harness.run.folder import RunFolder
from tests.core.histories import run_info

SMALL = Path(__file__).parents[1] / "end_to_end" / "small" / "small.yaml"


def arguments(out: Path) -> list[str]:
    return ["run", str(SMALL), "--out", str(out), "--output", "json"]


@pytest.fixture(autouse=True)
def no_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_command, "real_parts", lambda backend, joining: None)
    monkeypatch.setattr("reports.render.figures", lambda history: [])


def breaks(error: Exception, *, after_the_load_began: bool) -> Any:
    def run_scenario(*_: object, folder: RunFolder, **__: object) -> None:
        if after_the_load_began:
            run_info(ended=f"failed: {error}").save(folder.history)
        raise error

    return run_scenario


@pytest.mark.parametrize("error", [PlatformError("nothing came for 30 s"), KeyError("a bug")])
def test_a_platform_that_breaks_under_load_is_judged(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_command, "run_scenario", breaks(error, after_the_load_began=True))
    assert invoke(arguments(tmp_path)) == 3
    streams = capsys.readouterr()
    assert json.loads(streams.out)["verdict"] == "INCONCLUSIVE"
    assert str(error) in streams.err


def test_a_platform_that_does_not_start_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_command, "run_scenario", breaks(PlatformError("x"), after_the_load_began=False))
    assert invoke(arguments(tmp_path)) == 4
    assert "verdict" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("verdict", "exit_code"), [(Verdict.FAIL, 1), (Verdict.INCONCLUSIVE, 3)])
def test_a_run_whose_load_failed_ends_with_the_exit_code_of_what_was_judged(
    verdict: Verdict,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run_scenario(*_: object, folder: RunFolder, **__: object) -> None:
        run_info(ended="load_failed: the load died").save(folder.history)
        raise LoadFailed("the load died")

    monkeypatch.setattr(run_command, "run_scenario", run_scenario)
    monkeypatch.setattr(
        "harness.cli.judge.judge_opened", lambda *run: replace(judge_opened(*run), verdict=verdict)
    )
    assert invoke(arguments(tmp_path)) == exit_code
    streams = capsys.readouterr()
    assert json.loads(streams.out)["verdict"] == verdict.value
    assert "the run ended early: the load died" in streams.err
