"""Quality reports in the lake, and `floodmark quality report`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli import quality
from harness.cli.main import invoke
from pipeline.base.endpoints import Endpoints, ObjectStoreEndpoint
from pipeline.base.errors import NoSuchReport
from pipeline.quality.day_report import to_json
from pipeline.quality.stored import StoredReport, fetch, folder_of, keep, reported_days
from tests.core.memory_objects import MemoryObjects
from tests.core.test_quality_report import DAY, FULL, gate, outcome, report

STORED = StoredReport(report=to_json(FULL), page=b"<page>", model=b"trees", scores=b"scores")


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> MemoryObjects:
    """That of every platform."""
    objects = MemoryObjects()
    keep(STORED, DAY, objects)
    monkeypatch.setattr(quality, "Objects", lambda endpoint: objects)
    return objects


@pytest.fixture
def platform(tmp_path: Path) -> list[str]:
    """The options that name a platform and a folder."""
    store = ObjectStoreEndpoint(url="http://127.0.0.1:9", bucket="lake", region="us-east-1")
    Endpoints((store,)).save(tmp_path / "endpoints.json")
    return ["--endpoints", str(tmp_path / "endpoints.json"), "--out", str(tmp_path / "pages")]


def test_a_report_is_fetched_as_it_was_kept(lake: MemoryObjects) -> None:
    assert fetch(DAY, lake) == replace(STORED, model=b"", scores=b"")


def test_a_day_that_is_carried_out_again_without_a_forest_keeps_no_older_one(lake: MemoryObjects) -> None:
    keep(replace(STORED, model=b"", scores=b""), DAY, lake)
    assert lake.list(folder_of(DAY)) == tuple(folder_of(DAY) + n for n in ("report.html", "report.json"))


def test_a_day_without_a_report_is_refused_with_those_that_have_one(lake: MemoryObjects) -> None:
    assert reported_days(lake) == [DAY]
    with pytest.raises(NoSuchReport, match=f"2013-02-10 has no quality report; there are {DAY}"):
        fetch(DAY + timedelta(days=1), lake)


def test_the_command_writes_the_page_and_shows_every_expectation(
    lake: MemoryObjects, platform: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["quality", "report", "--date", str(DAY), *platform]) == 0
    shown = capsys.readouterr().err
    told = ("value_nulls", "2.45 %", "less than 2 %", "PROMOTED", "bad.csv: no header", "missing:event_id")
    assert [text for text in told if text not in shown] == []
    assert (tmp_path / "pages" / f"{DAY}.html").read_bytes() == b"<page>"


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (report(gate(outcome(severity="error"))), 1),
        (report(gate(mode="skip")), 3),
    ],
)
def test_the_exit_code_is_the_verdict(
    lake: MemoryObjects, platform: list[str], found: quality.DayReport, code: int
) -> None:
    keep(replace(STORED, report=to_json(found)), DAY, lake)
    assert invoke(["quality", "report", "--date", str(DAY), *platform]) == code


def test_as_json_it_is_the_stored_report(
    lake: MemoryObjects, platform: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    invoke(["quality", "report", "--date", str(DAY), *platform, "--output", "json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed.pop("page").endswith(f"{DAY}.html")
    assert printed == json.loads(STORED.report)


def test_a_date_without_a_report_is_refused(
    lake: MemoryObjects, platform: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["quality", "report", "--date", "2013-02-10", *platform]) == 2
    assert f"--date: found 2013-02-10; allowed: a day with a report: {DAY}" in capsys.readouterr().err


def test_a_report_that_cannot_be_read_is_told(lake: MemoryObjects, platform: list[str]) -> None:
    keep(replace(STORED, report=b"[]"), DAY, lake)
    assert invoke(["quality", "report", "--date", str(DAY), *platform]) == 4


def test_a_platform_without_a_lake_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Endpoints(()).save(tmp_path / "endpoints.json")
    options = ["--date", str(DAY), "--endpoints", str(tmp_path / "endpoints.json")]
    assert invoke(["quality", "report", *options]) == 4
    assert "no object_store" in capsys.readouterr().err
