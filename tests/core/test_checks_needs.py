"""A check reads nothing but what it says that it needs, so that damage elsewhere cannot change its answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.history.reader import SCHEMAS, History
from harness.history.seal import table_of
from harness.judge.checks.lake.registry import LAKE_CHECKS
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from tests.core.histories import history
from tests.core.lake_histories import LAMBDA, right_day, source
from tests.core.synthetic import make_run
from tests.damage import judged_files

NAMES = (
    "ends",
    "faults",
    "generator",
    "hot_writes",
    "latency",
    "operations",
    "phases",
    "plan",
    "readback_events",
    "readback_hot_events",
    "readback_hot_windows",
    "readback_windows",
    "run",
    "samples",
    "seen",
    "sought",
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "whole", events=2_000)


def findings(run: Path) -> dict[tuple[str, str], Finding]:
    judgement = judge_history(History.open(run), run_id="r")
    return {(f.name, f.limit): f for f in judgement.findings if f.name != "history"}


def test_every_file_of_a_run_is_of_a_name(recorded: Path) -> None:
    assert {table_of(name) for name in judged_files(recorded)} == {*NAMES, "scenario", "seal"}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_lost_leaves_findings_as_they_were_or_inconclusive(
    recorded: Path, tmp_path: Path, name: str
) -> None:
    run = Path(shutil.copytree(recorded, tmp_path / "run"))
    for file in judged_files(run):
        if table_of(file) == name:
            (run / file).unlink()
    whole = findings(recorded)
    changed = {
        key: (whole[key], found)
        for key, found in findings(run).items()
        if found.verdict is not Verdict.INCONCLUSIVE
        and (found.verdict, found.observed) != (whole[key].verdict, whole[key].observed)
    }
    assert changed == {}


@pytest.mark.parametrize("name", SCHEMAS)
def test_checks_of_the_lake_read_what_they_need_alone(name: str) -> None:
    tables = {**source(), **right_day()}
    whole, without = history(of=LAMBDA, **tables), history(of=LAMBDA, without=name, **tables)
    for check in LAKE_CHECKS:
        if name not in check.needs:
            assert str(check.measure(without)) == str(check.measure(whole)), check.name
