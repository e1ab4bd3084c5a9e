"""What is to be exact, however much else the machine has to do."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.command import ROOT, assert_passed, run


def test_the_lake_is_exact(tmp_path: Path) -> None:
    assert_passed(run(ROOT / "tests" / "end_to_end" / "small" / "lake.yaml", tmp_path, timeout_s=380))


def test_a_trace_of_the_users_own_passes(tmp_path: Path) -> None:
    assert_passed(run(ROOT / "tests" / "end_to_end" / "small" / "small.yaml", tmp_path, timeout_s=240))
