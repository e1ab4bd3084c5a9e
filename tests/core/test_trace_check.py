"""What ``floodmark validate`` and a plan tell of a scenario's trace, before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.base.errors import InvalidInput
from harness.cli.main import invoke
from harness.load.plan import check
from harness.load.plan.cached import build_plan
from harness.load.plan.check import check_traces
from harness.scenario.model import Load, Scenario
from tests.core.scenario_parts import rides
from tests.core.traces import PUMPS

DAY = "2024-05-01"
SOUND = [f"r{n},{DAY}T08:{n:02}:00Z,p" for n in range(50)]
WRONG_YEAR = "x,2001-03-02T00:00:00Z,p"
SCENARIO = """
name: pumps
description: Pumps
seed: 1
topology: small
pipeline: {topics: {partitions: 2, min_insync_replicas: 1}}
load: {trace: m.yaml, event_span: 4h, duration: 12s}
warm_up: 3s
"""
TOLD = "50 of its 51 events lie in the last 0.01% of it"


def scenario(folder: Path, *rows: str, **load: object) -> Scenario:
    (folder / "p.csv").write_text("\n".join(["id,t,ent", *rows]) + "\n")
    (folder / "m.yaml").write_text(PUMPS.replace("unread", "p.csv"))
    fields = {"trace": folder / "m.yaml", "event_span": 3600.0, "duration": 30.0, **load}
    return rides().model_copy(update={"load": Load.model_validate(fields)})


def checked(folder: Path, *scenarios: Scenario) -> tuple[tuple[str, ...], list[str]]:
    """Notes, and what was reported."""
    reported: list[str] = []
    return check_traces(scenarios, cache=folder, report=reported.append), reported


def test_a_sound_trace_is_read_without_a_word(tmp_path: Path) -> None:
    assert checked(tmp_path, scenario(tmp_path, *SOUND)) == ((), [])
    assert not list((tmp_path / "plans").glob("*.parquet"))


def test_a_wrong_year_is_told_once_for_all_scenarios(tmp_path: Path) -> None:
    odd = scenario(tmp_path, *SOUND, WRONG_YEAR)
    notes, _ = checked(tmp_path, odd, odd.model_copy(update={"seed": 2}))
    assert [TOLD in note for note in notes] == [True]


def test_what_is_wrong_with_a_trace_is_told_once_for_all_scenarios(tmp_path: Path) -> None:
    wrong = scenario(tmp_path, *SOUND, "x,soon,p")
    with pytest.raises(InvalidInput) as refused:
        checked(tmp_path, wrong, wrong)
    (problem,) = refused.value.problems
    assert f"such as soon, first in {tmp_path}/p.csv:52" in problem.found


def test_only_the_events_that_are_sent_are_looked_at(tmp_path: Path) -> None:
    assert checked(tmp_path, scenario(tmp_path, *SOUND, "x,2044-05-01,p", events=50)) == ((), [])


def test_a_large_trace_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_LARGE_BYTES", 100)
    _, reported = checked(tmp_path, scenario(tmp_path, *SOUND))
    assert reported == [f"reading {tmp_path}/p.csv, 0 MiB"]


def test_a_plan_tells_of_its_trace_each_time_it_is_used(tmp_path: Path) -> None:
    odd = scenario(tmp_path, *SOUND, WRONG_YEAR)
    for _ in range(2):
        reported: list[str] = []
        build_plan(odd, cache=tmp_path, report=reported.append)
        assert [message for message in reported if message.startswith("warning: ") and TOLD in message]


def test_a_trace_whose_plan_is_cached_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = scenario(tmp_path, *SOUND, WRONG_YEAR)
    build_plan(odd, cache=tmp_path, report=lambda message: None)
    monkeypatch.setattr(check, "opened", None)
    notes, _ = checked(tmp_path, odd)
    assert TOLD in notes[0]


def test_a_trace_that_grew_a_file_has_another_plan(tmp_path: Path) -> None:
    several = scenario(tmp_path, *SOUND)
    (tmp_path / "m.yaml").write_text(PUMPS.replace("unread", "p*.csv"))
    one = build_plan(several, cache=tmp_path, report=lambda message: None)
    (tmp_path / "p2.csv").write_text(f"id,t,ent\nmore,{DAY}T09:00:00Z,p\n")
    two = build_plan(several, cache=tmp_path, report=lambda message: None)
    assert two.counts["valid"] == one.counts["valid"] + 1
    assert two.key != one.key


@pytest.mark.parametrize(
    ("row", "code"), [(SOUND[0].replace("r0", "r50"), 0), (WRONG_YEAR, 0), ("x,soon,p", 2)]
)
def test_validate_answers_with_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], row: str, code: int
) -> None:
    monkeypatch.setenv("FLOODMARK_CACHE", str(tmp_path / "cache"))
    scenario(tmp_path, *SOUND, row)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    assert invoke(["validate", str(tmp_path / "s.yaml"), "--output", "json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert len(answer.get("warnings", [])) == (row == WRONG_YEAR)
    assert ("error" in answer) == (code == 2)
