"""The README shows a scenario that is sound, and a run of the quickstart as it is today."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.base.errors import RunError
from harness.judge.judge import judge
from harness.judge.registry import checks_for
from harness.scenario.model import Scenario
from harness.validate.scenario_file import load_scenario
from reports.pictures import BEGIN, END, excerpt_of, make_example, with_excerpt
from tests.core.synthetic import make_run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    shown: dict[str, Any] = json.loads((ROOT / "reports" / "example.json").read_text())
    return shown


@pytest.fixture(scope="module")
def quickstart() -> Scenario:
    return load_scenario(ROOT / "scenarios" / "quickstart.yaml")


def test_the_scenario_of_the_readme_is_the_quickstart_with_some_of_its_limits(
    tmp_path: Path, quickstart: Scenario
) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    shutil.copytree(ROOT / "scenarios" / "traces", tmp_path / "traces")
    file = tmp_path / "readme.yaml"
    file.write_text(block)
    shown = load_scenario(file)
    assert shown.expect
    assert set(shown.expect) <= set(quickstart.expect)
    trace = {"trace": quickstart.load.trace}
    assert shown.load.model_copy(update=trace) == quickstart.load
    assert shown.model_copy(update={"load": quickstart.load, "expect": quickstart.expect}) == quickstart


def test_the_readme_says_what_the_example_shows(example: dict[str, Any]) -> None:
    assert excerpt_of(example) in README
    assert example["counts"] == dict(Counter(row["verdict"] for row in example["findings"]))


def test_the_example_is_a_quickstart_that_passed_and_that_anybody_can_run_again(
    example: dict[str, Any], quickstart: Scenario
) -> None:
    assert (example["scenario"], example["seed"]) == ("quickstart", quickstart.seed)
    assert re.fullmatch(r"[0-9a-f]{12,40}", example["commit"])
    assert example["verdict"] == "PASS"


def test_the_example_was_held_to_the_limits_of_today(example: dict[str, Any], quickstart: Scenario) -> None:
    own = {(name, t) for name, check in checks_for(quickstart).items() for t in check.default_thresholds}
    asked = {(expected.check, limit) for expected in quickstart.expect for limit in expected.thresholds}
    assert {(row["check"], row["limit"]) for row in example["findings"]} == own | asked


def test_the_picture_is_that_of_the_example(example: dict[str, Any]) -> None:
    picture = (ROOT / "reports" / "example.png").read_bytes()
    assert hashlib.sha256(picture).hexdigest() == example["picture_sha256"]


def test_a_picture_an_example_and_an_excerpt_are_made_together(tmp_path: Path) -> None:
    run = make_run(tmp_path / "2026-01-01--1", events=2_000)
    judge(run).save(run)
    (tmp_path / "reports").mkdir()
    (tmp_path / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    make_example(run, root=tmp_path)
    made = json.loads((tmp_path / "reports" / "example.json").read_text())
    assert (tmp_path / "README.md").read_text() == f"before\n{excerpt_of(made)}\nafter\n"
    picture = (tmp_path / "reports" / "example.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert hashlib.sha256(picture).hexdigest() == made["picture_sha256"]
    assert made["commit"] == "abc1234"


@pytest.mark.parametrize("commit", ["abc1234-dirty", "unknown"])
def test_a_run_that_nobody_could_run_again_is_not_shown(commit: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "2026-01-01--1", events=2_000)
    replace(judge(run), commit=commit).save(run)
    with pytest.raises(RunError, match=commit):
        make_example(run, root=tmp_path)
    assert not (tmp_path / "reports").exists()


def test_a_readme_without_a_place_for_an_excerpt_is_left_alone() -> None:
    with pytest.raises(RunError, match="lacks"):
        with_excerpt("nothing", "excerpt")
