"""What a newcomer runs first. It has limits of latency, so nothing else runs beside it."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.command import ROOT, assert_passed, run


def test_the_quickstart_passes(tmp_path: Path) -> None:
    assert_passed(run(ROOT / "scenarios" / "quickstart.yaml", tmp_path, timeout_s=420))
