"""`floodmark lake care`: what it refuses, what it asks of its process, and what it shows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.cli.main import invoke
from harness.run.lake.job import CareJob, report_event
from pipeline.days.tasks.job_events import Cared

CARED = Cared(
    table="silver/events",
    files_before=60,
    files_after=6,
    bytes_before=4000,
    bytes_after=3000,
    files_rewritten=60,
    files_deleted=7,
    bytes_deleted=1234,
)


def test_every_table_that_is_none_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["lake", "care", "--table", "silver/event", "--table", "x"]) == 2
    said = capsys.readouterr().err
    assert "--table: found silver/event; allowed: did you mean silver/events?" in said
    assert "--table: found x; allowed: " in said


def test_a_process_is_told_the_tables_the_days_and_whether_to_cluster() -> None:
    files = {"endpoints": Path("e"), "options": Path("o")}
    asked = CareJob(**files, tables=("gold/daily",), since=date(2026, 11, 1), clustered=True)
    words = ["--care", "--table", "gold/daily", "--since", "2026-11-01", "--cluster"]
    assert list(asked.argv[-6:]) == words
    assert list(CareJob(**files).argv[-1:]) == ["--care"]


def test_what_became_of_a_table_is_told_in_a_line() -> None:
    said: list[str] = []
    report_event(CARED, said.append)
    assert said == [
        "cared for silver/events: 60 files are 6, 4,000 bytes 3,000; deleted 7 old files, 1,234 bytes"
    ]
