"""A trace of the user's own, through the whole stream path on one node of everything."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.command import ROOT, floodmark, left_behind

SMALL = ROOT / "tests" / "end_to_end" / "small" / "small.yaml"


def test_a_small_run_passes_and_leaves_nothing(tmp_path: Path) -> None:
    answer = floodmark(
        *("run", str(SMALL), "--out", str(tmp_path / "runs"), "--output", "json"),
        state=tmp_path / "state",
        timeout_s=240,
    )
    assert answer.stdout, answer.stderr
    assert answer.json["verdict"] == "PASS", answer.table()
    assert answer.exit_code == 0
    assert {"findings", "run_id", "seed", "report"} <= answer.json.keys()
    assert Path(answer.json["report"]).stat().st_size > 0
    assert left_behind(tmp_path) == []
