"""Each sabotage turns exactly the checks red that it names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.end_to_end.command import ROOT, run

SABOTAGE = sorted((ROOT / "scenarios" / "sabotage").glob("*.yaml"))


@pytest.mark.parametrize("scenario", SABOTAGE, ids=lambda path: path.stem)
def test_a_sabotage_fails_as_planned(scenario: Path, tmp_path: Path) -> None:
    answer = run(scenario, tmp_path, timeout_s=300)
    assert answer.failed() == set(yaml.safe_load(scenario.read_text())["expect_fail"]), answer.table()
    assert answer.json["verdict"] == "FAIL"
    assert answer.exit_code == 1, answer.table()
