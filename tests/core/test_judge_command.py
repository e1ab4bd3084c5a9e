"""``floodmark judge`` and ``floodmark report``: which run is meant, what is printed, how it ends."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.base.errors import InvalidInput
from harness.cli.main import invoke
from harness.cli.recorded import find_run
from tests.core.histories import scenario
from tests.core.synthetic import make_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run and, after it, one that was killed before it recorded anything."""
    runs = tmp_path_factory.mktemp("runs")
    make_run(runs / "2026-01-01--9", events=2_000)
    killed = runs / "2026-01-01--10"
    (killed / "history").mkdir(parents=True)
    (killed / "scenario.json").write_text(scenario().model_dump_json())
    return runs


@pytest.fixture(autouse=True)
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """How pages look is tested elsewhere; drawing takes longer than all the rest."""
    monkeypatch.setattr("reports.render.figures", lambda history: [])


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_judging_prints_one_object_and_ends_by_the_verdict(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["judge", str(runs / "2026-01-01--9"), "--output", "json"]) == 0
    answer = printed(capsys)
    assert (answer["verdict"], answer["run_id"], answer["seed"]) == ("PASS", "2026-01-01--9", 7)
    assert Path(answer["report"]).is_file()


def test_what_a_killed_run_recorded_is_judged(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["judge", "last", "--out", str(runs), "--output", "json"]) == 3
    assert printed(capsys)["verdict"] == "INCONCLUSIVE"


@pytest.mark.parametrize("command", ["judge", "report"])
def test_a_run_with_a_pipe_in_it_is_refused_and_not_waited_for(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    os.mkfifo(tmp_path / "history" / "phases.jsonl")
    assert invoke([command, str(tmp_path), "--output", "json"]) == 2
    (problem,) = printed(capsys)["error"]["problems"]
    assert (problem["where"], problem["found"]) == (str(tmp_path / "history" / "phases.jsonl"), "a pipe")


def test_findings_that_cannot_be_written_are_an_error_and_no_bug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    (tmp_path / "findings.json").mkdir()
    assert invoke(["judge", str(tmp_path), "--output", "json"]) == 3
    assert printed(capsys)["error"]["kind"] == "RunError"


def test_people_get_a_table(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["judge", "2026-01-01--9", "--out", str(runs)])
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "acknowledged_lost" in streams.err
    assert "report.html" in streams.err


def test_the_report_can_be_drawn_again(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["judge", "2026-01-01--9", "--out", str(runs)])
    capsys.readouterr()
    assert invoke(["report", "2026-01-01--9", "--out", str(runs), "--output", "json"]) == 0
    assert printed(capsys)["report"].endswith("2026-01-01--9/report.html")


def test_the_last_run_is_the_one_with_the_highest_number(runs: Path) -> None:
    assert find_run("last", runs).name == "2026-01-01--10"


def test_a_run_is_found_by_id_and_by_folder(runs: Path) -> None:
    assert find_run("2026-01-01--9", runs) == find_run(str(runs / "2026-01-01--9"), Path("nowhere"))


@pytest.mark.parametrize("name", ["2026-01-01--8", "nonsense", ".", ""])
def test_an_unknown_run_is_refused_with_those_there_are(runs: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="2026-01-01--9, 2026-01-01--10"):
        find_run(name, runs)


def test_an_unknown_run_ends_with_the_code_of_usage(tmp_path: Path) -> None:
    assert invoke(["judge", "nonsense", "--out", str(tmp_path)]) == 2


def test_what_was_altered_is_named_and_ends_as_inconclusive(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(runs / "2026-01-01--9", tmp_path / "2026-01-02--1"))
    part = run / "history/operations/worker-0-000000.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    (run / "history/samples/sampler-000001.parquet").unlink()
    assert invoke(["judge", str(run), "--output", "json"]) == 3
    answer = printed(capsys)
    assert (answer["verdict"], answer["problems"]) == (
        "INCONCLUSIVE",
        [
            "operations/worker-0-000000.parquet: it was altered: its SHA-256 differs from the seal's",
            "samples/sampler-000001.parquet: it is missing",
        ],
    )
    assert {f["name"] for f in answer["findings"] if f["verdict"] == "FAIL"} == set()
    invoke(["judge", str(run)])
    assert "worker-0-000000.parquet" in capsys.readouterr().err


def test_an_altered_scenario_ends_as_inconclusive(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(runs / "2026-01-01--9", tmp_path / "2026-01-02--1"))
    (run / "scenario.json").write_text(scenario().model_dump_json())
    assert invoke(["judge", str(run)]) == 3
    assert "scenario.json: it was" in capsys.readouterr().err
