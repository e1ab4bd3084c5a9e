"""Runs that were recorded by earlier builds, under the words of then, and what they are judged to be today.

fixtures/recorded/ has the histories of two runs of dafbfbf on real engines: a day through stream and lake
(``deploy: lambda``) while a broker was killed, and record batches (``path: replay``) into topics alone.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.history.reader import History
from harness.judge.judge import judge
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import Verdict
from tests.core.scenario_parts import FIXTURES

STREAM_AND_LAKE, RECORD_BATCHES = "stream-and-lake", "record-batches"


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[str], Path]:
    def unpacked(name: str) -> Path:
        with tarfile.open(FIXTURES / "recorded" / f"{name}.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
        return tmp_path / name

    return unpacked


def observed(judgement: Judgement) -> dict[str, float | None]:
    return {f"{finding.name} {finding.limit}": finding.observed for finding in judgement.findings}


def test_a_day_through_stream_and_lake_is_judged_as_it_was(recorded: Callable[[str], Path]) -> None:
    judgement = judge(recorded(STREAM_AND_LAKE))
    assert (judgement.verdict, judgement.problems) == (Verdict.PASS, ())
    found = observed(judgement)
    assert len(found) == 24
    assert found["bronze_equals_oracle count == 0"] == 0
    assert found["lake_duration max < 90s during lake"] == 6.976527279
    assert found["recovery_time max < 90s"] == 12.502513849
    assert {"reruns_unchanged count == 0", "hot_windows_equal_oracle count == 0"} <= found.keys()


def test_record_batches_are_judged_as_they_were(recorded: Callable[[str], Path]) -> None:
    judgement = judge(recorded(RECORD_BATCHES))
    assert (judgement.verdict, judgement.problems) == (Verdict.PASS, ())
    assert len(observed(judgement)) == 10


def test_the_tables_of_then_are_the_tables_of_now(recorded: Callable[[str], Path]) -> None:
    history = History.open(recorded(STREAM_AND_LAKE))
    assert history.value("SELECT count(*) FROM lake_tasks") > 0
    assert "lake" in [span.phase for span in history.phases]
    assert history.scenario.pipeline.deploy == ("stream", "lake")


@pytest.mark.parametrize(
    ("run", "table", "check"),
    [
        (STREAM_AND_LAKE, "batch_bronze", "bronze_equals_oracle"),
        (STREAM_AND_LAKE, "batch_tasks", "lake_duration"),
        (RECORD_BATCHES, "readback_batches", "acknowledged_lost"),
    ],
)
def test_damage_to_a_table_of_then_is_noticed_by_its_checks(
    run: str, table: str, check: str, recorded: Callable[[str], Path]
) -> None:
    folder = recorded(run)
    part = sorted((folder / "history" / table).glob("*.parquet"))[0]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    judgement = judge(folder)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"{table}/{part.name}" in " ".join(judgement.problems)
    verdicts = {finding.verdict for finding in judgement.findings if finding.name == check}
    assert verdicts == {Verdict.INCONCLUSIVE}


def test_a_table_of_then_that_is_gone_is_missing(recorded: Callable[[str], Path]) -> None:
    folder = recorded(RECORD_BATCHES)
    for part in (folder / "history" / "readback_batches").iterdir():
        part.unlink()
    assert judge(folder).verdict is Verdict.INCONCLUSIVE
