"""A day's quality report: its verdict, its JSON, its page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from pipeline.base.errors import PipelineError
from pipeline.quality.day_report import DayReport, from_json, to_json
from pipeline.quality.forest_summary import ForestOptions, ForestSummary
from pipeline.quality.outliers import outliers
from pipeline.quality.report_page import render
from pipeline.quality.result import GateResult, Outcome, RefusedFile
from tests.core.quality_parts import sample_of

DAY = date(2013, 2, 9)


def outcome(**other: Any) -> Outcome:
    given: dict[str, Any] = {
        **{"rule": "value_nulls", "kind": "nulls", "subject": "value", "severity": "warning"},
        **{"dimension": "completeness", "description": "Cancelled flights.", "state": "failed"},
        **{"observed": 2.45, "limit": "less than 2", "low": None, "high": 2.0, "unit": "%"},
        **other,
    }
    return Outcome(**given)


def gate(*outcomes: Outcome, mode: Any = "evaluate") -> GateResult:
    return GateResult(
        layer="silver", table="silver/events", day=DAY, mode=mode, rows=100, outcomes=tuple(outcomes)
    )


def report(*gates: GateResult, **other: Any) -> DayReport:
    rows = {DAY - timedelta(days=back): 100 + back for back in range(8)}
    return DayReport(day=DAY, gates=gates, **{"daily_rows": rows, **other})


FOREST = ForestSummary(
    seed=7, options=ForestOptions(), features=("value",), events=10, flagged=1, histogram=(0, 9, 0, 1)
)
FULL = report(
    gate(
        outcome(examples=({"event_id": "e1", "value": None},)),
        outcome(rule="volume", kind="volume", subject="the table", low=75.0, high=125.0, state="passed"),
    ),
    refused_files=(RefusedFile(key="landing/partners/acme/2013-02-09/bad.csv", reason="no header"),),
    rejects={"missing:event_id": 3},
    sample="all 100 events",
    outliers=outliers(sample_of([*(float(n % 9) for n in range(60)), 999.0])),
    forest=FOREST,
)


@cache
def page() -> str:
    return render(FULL)


def test_a_broken_warning_is_reported_and_keeps_nothing_back() -> None:
    found = gate(outcome())
    assert (found.verdict, len(found.warnings), found.stopped_by) == ("promoted", 1, ())


@pytest.mark.parametrize("state", ["failed", "not_evaluated"])
def test_an_error_that_is_broken_or_was_not_evaluated_keeps_the_day_back(state: Any) -> None:
    assert report(gate(), gate(outcome(severity="error", state=state))).verdict == "quarantined"


def test_what_does_not_apply_keeps_nothing_back() -> None:
    assert gate(outcome(severity="error", state="not_applicable")).verdict == "promoted"


def test_a_day_that_nobody_looked_at_is_never_called_good() -> None:
    skipped = gate(outcome(severity="error", state="not_evaluated"), mode="skip")
    assert [report().verdict, report(gate(), skipped).verdict] == ["not evaluated"] * 2


def test_a_report_is_read_as_it_was_written() -> None:
    assert from_json(to_json(FULL)) == FULL


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"", "no quality report"), (b"[]", "no quality report"), (b'{"schema_version": 9}', "version 9")],
)
def test_what_is_no_report_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(PipelineError, match=told):
        from_json(text)


def test_a_damaged_report_is_refused() -> None:
    with pytest.raises(PipelineError, match="rows"):
        from_json(to_json(FULL).replace(b'"rows": 100', b'"rows": "many"'))


@pytest.mark.parametrize(
    "told",
    [
        *(
            "2.45 %",
            "less than 2 %",
            "Cancelled flights.",
            "event_id e1 · value null",
            "bad.csv",
            "no header",
        ),
        *("no header", "missing:event_id", "e00060: 999", "1 of 10 events", "PROMOTED"),
    ],
)
def test_the_page_tells(told: str) -> None:
    assert told in page()


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    hostile = replace(FULL, refused_files=(RefusedFile(key="<script>x</script>", reason="$a$ & b"),))
    rendered = render(hostile)
    assert "<script" not in rendered
    assert "http" not in rendered.replace("http-equiv", "")


def test_the_same_report_gives_the_same_page() -> None:
    assert render(FULL) == page()
