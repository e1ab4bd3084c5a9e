"""The main job, as a newcomer runs it."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.command import ROOT, floodmark, left_behind


def test_the_quickstart_passes_and_leaves_nothing(tmp_path: Path) -> None:
    answer = floodmark(
        *("run", str(ROOT / "scenarios" / "quickstart.yaml")),
        *("--out", str(tmp_path / "runs"), "--output", "json"),
        state=tmp_path / "state",
        timeout_s=420,
    )
    assert answer.stdout, answer.stderr
    assert answer.json["verdict"] == "PASS", answer.table()
    assert answer.exit_code == 0
    assert {"findings", "run_id", "seed", "report"} <= answer.json.keys()
    assert Path(answer.json["report"]).stat().st_size > 0
    assert left_behind(tmp_path) == []
