"""``floodmark run``: what becomes of a run that breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import run as run_command
from harness.cli.main import invoke
from harness.errors import PlatformError
from harness.run_folder import RunFolder
from tests.core.histories import run_info

SMALL = Path(__file__).parents[1] / "end_to_end" / "small" / "small.yaml"


def arguments(out: Path) -> list[str]:
    return ["run", str(SMALL), "--out", str(out), "--output", "json"]


@pytest.fixture(autouse=True)
def no_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_command, "real_parts", lambda backend, joining: None)
    monkeypatch.setattr("reports.render.figures", lambda history: [])


def breaks(error: Exception, *, after_the_load_began: bool) -> Any:
    def carry_out(*_: object, folder: RunFolder, **__: object) -> None:
        if after_the_load_began:
            run_info(ended=f"failed: {error}").save(folder.history)
        raise error

    return carry_out


@pytest.mark.parametrize("error", [PlatformError("nothing came for 30 s"), KeyError("a bug")])
def test_a_platform_that_breaks_under_load_is_judged(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_command, "carry_out", breaks(error, after_the_load_began=True))
    assert invoke(arguments(tmp_path)) == 3
    streams = capsys.readouterr()
    assert json.loads(streams.out)["verdict"] == "INCONCLUSIVE"
    assert str(error) in streams.err


def test_a_platform_that_does_not_start_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_command, "carry_out", breaks(PlatformError("x"), after_the_load_began=False))
    assert invoke(arguments(tmp_path)) == 4
    assert "verdict" not in json.loads(capsys.readouterr().out)
