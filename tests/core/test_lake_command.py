"""`floodmark lake`: what it refuses, and what it shows of a lake process."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from harness.base.errors import InvalidInput, PlatformError, RunError
from harness.cli.main import invoke
from harness.run.lake.job import outcome_of, report_event, summary
from pipeline.days.__main__ import main
from pipeline.days.tasks.job_events import Begins, Ended, Event, Failed, parse
from pipeline.days.tasks.task import Output, TaskRecord, TaskResult
from pipeline.quality.result import GateResult, RefusedFile
from tests.core.test_quality_report import gate, outcome

BEGAN = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
TODAY = datetime.now(UTC).date()
RECORD = TaskRecord(
    task="silver",
    day=date(2026, 11, 20),
    number=1,
    began_at=BEGAN,
    ended_at=BEGAN + timedelta(seconds=2.5),
    cpu_s=3.0,
    result=TaskResult(
        outcome="promoted",
        outputs=(Output(table="silver/events", version=3, rows=1000, files=2, bytes=4096),),
        gates=(gate(outcome(examples=({"event_id": "e1", "value": None},))),),
        refused_files=(RefusedFile(key="landing/partners/acme/2026-11-20/a.csv", reason="no header"),),
    ),
)

ENDED = Ended(record=RECORD, began_monotonic_ns=1_000_000_000, ended_monotonic_ns=3_500_000_000)


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("FLOODMARK_STATE", str(tmp_path_factory.mktemp("state")))


@pytest.mark.parametrize("offset", [0, 1])
def test_a_day_that_has_not_ended_is_refused(offset: int, capsys: pytest.CaptureFixture[str]) -> None:
    day = TODAY + timedelta(days=offset)
    assert invoke(["lake", "run", "--date", str(day)]) == 2
    assert f"--date: found {day}; allowed: a day before {TODAY}, UTC" in capsys.readouterr().err


@pytest.mark.parametrize("day", ["2026-11-33", "yesterday", "20-11-2026"])
@pytest.mark.parametrize("command", [["lake", "run"], ["quality", "report"]])
def test_what_is_no_date_is_refused(day: str, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*command, "--date", day]) == 2
    assert f"'--date': found {day}; allowed: a date such as 2026-11-20" in capsys.readouterr().err


def test_a_range_that_has_not_ended_is_refused_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["lake", "backfill", "--from", "2026-11-01", "--to", "9999-01-01"]) == 2
    assert f"1 problem:\n  - --to: found 9999-01-01; allowed: a day before {TODAY}" in capsys.readouterr().err


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    assert invoke(["lake", "backfill", "--from", "2026-11-20", "--to", "2026-11-19"]) == 2


def test_without_a_platform_it_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["lake", "run"]) == 4
    assert "`floodmark up lambda` starts one" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["lake", "run"], ["quality", "report", "--date", "2026-11-20"]])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", (2, "it cannot be read as JSON")),
        ('{"spark": {}}', (2, "found spark.master: found nothing")),
        ('{"kafka": {"bootstrap_servers": []}}', (4, "no object_store")),
    ],
)
def test_endpoints_that_are_of_no_use_are_told(
    command: list[str], text: str, told: tuple[int, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text(text)
    assert invoke([*command, "--endpoints", str(file)]) == told[0]
    said = capsys.readouterr().err
    assert (str(file) in said, told[1] in said) == (True, True)


def test_endpoints_that_are_not_there_are_refused() -> None:
    assert invoke(["lake", "run", "--endpoints", "/nowhere.json"]) == 2


def test_a_process_that_is_started_with_something_else_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)  # it is this process's own
    file = tmp_path / "endpoints.json"
    file.write_text("[]")
    assert main(["--endpoints", str(file), "--options", str(file)]) == 1
    with pytest.raises(InvalidInput, match=r"endpoints\.json: found a list; allowed: an object"):
        outcome_of([parse(capsys.readouterr().out)])


@pytest.mark.parametrize("event", [Begins(task="land", day=None), ENDED])
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert parse(event.model_dump_json()) == event


def test_what_was_carried_out_is_summed_up_in_a_line() -> None:
    assert (
        summary(ENDED)
        == "silver of 2026-11-20 promoted after 2.5 s: 1,000 rows in silver/events; warnings: value_nulls"
    )


def test_refused_files_are_told() -> None:
    said: list[str] = []
    report_event(ENDED, said.append)
    assert said[1:] == ["  refused landing/partners/acme/2026-11-20/a.csv: no header"]


def test_rules_of_several_tables_are_told_apart() -> None:
    gates = [GateResult(layer="gold", table=t, day=TODAY, mode="evaluate", rows=0, outcomes=()) for t in "ab"]
    named = [replace(found, outcomes=(outcome(rule="keys"),)) for found in gates]
    both = TaskResult(outcome="promoted", gates=tuple(named)).gate
    assert both is not None
    assert both.warnings == ("a: keys", "b: keys")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *(("NoSuchDay", InvalidInput), ("Archived", InvalidInput), ("DaysArchived", InvalidInput)),
        *(("TableHeld", RunError), ("SparkFailed", PlatformError), ("NotDeployed", PlatformError)),
    ],
)
def test_what_a_process_failed_by_is_raised(error: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="why"):
        outcome_of([ENDED, Failed(error=error, message="why")])


def test_a_day_in_the_archive_is_told_with_the_command_that_brings_it_back() -> None:
    with pytest.raises(InvalidInput, match="`floodmark lake restore` brings one back"):
        outcome_of([Failed(error="DaysArchived", message="why")])


def test_what_was_not_deployed_is_told_with_the_command_that_does() -> None:
    with pytest.raises(PlatformError, match=r"no topic events\. `floodmark lake deploy` creates"):
        outcome_of([Failed(error="NotDeployed", message="no topic events")])


def test_the_records_of_a_process_are_what_it_carried_out() -> None:
    assert outcome_of([Begins(task="silver", day=RECORD.day), ENDED]) == [RECORD]
