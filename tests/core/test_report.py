"""A run's page stands alone, says what was found, and trusts nothing that the run recorded."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.base.errors import RunError
from harness.base.run_clock import RunClock
from harness.history.latency_log import LatencyLog
from harness.history.reader import History
from harness.history.seal import seal_history
from harness.history.writer import append_jsonl
from harness.judge.judge import judge
from harness.judge.judgement import Judgement
from harness.layers.figure import Series
from harness.scenario.model import Load
from harness.scenario.profiles.step import Step
from reports import render as page_of
from reports.series import by_second, cpu, memory, reads, target, throughput
from tests.core.histories import event, history, run_info, sample, scenario, sent
from tests.core.synthetic import make_run


def render(run: Path) -> Path:
    return page_of.render(run, History.open(run), Judgement.load(run))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "2026-01-01--1", events=2_000)


@pytest.fixture
def run(recorded: Path, tmp_path: Path) -> Path:
    """A copy that a test may change, and so without its seal."""
    made_since = shutil.ignore_patterns("findings.json", "report.html", "seal.json")
    return Path(shutil.copytree(recorded, tmp_path / recorded.name, ignore=made_since))


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the page's words: drawing takes longer than all the rest."""
    monkeypatch.setattr("reports.render.figures", lambda history: [])


@pytest.fixture(scope="module")
def page(recorded: Path) -> str:
    judge(recorded)
    return render(recorded).read_text()


def plots(page: str) -> list[str]:
    encoded = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    return [base64.b64decode(text).decode() for text in encoded]


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', page) == []
    assert not re.search(r"<script|<link|@import|url\(", page)


def test_the_page_and_the_evidence_say_who_joined_and_how_well_their_clocks_are_known(
    run: Path, without_plots: None
) -> None:
    line = {"worker": "worker-1", "host": "b", "offset_ns": 9, "drift_ns": 1, "shared_clock": False}
    append_jsonl(run / "history" / "workers.jsonl", {**line, "uncertainty_ns": 210_000})
    append_jsonl(run / "history" / "workers.jsonl", line)
    judgement = judge(run)
    assert str(judgement.evidence).endswith("1 joined, clocks known to 0.210 ms")
    assert "worker-1 on b, clock known to 0.210 ms" in render(run).read_text()
    assert any(problem.startswith("workers.jsonl line 2") for problem in judgement.problems)


def test_the_page_says_what_was_run_and_how_to_run_it_again(page: str) -> None:
    for text in ("PASS", "floodmark run literal.yaml --seed 7", "abc1234", "is not replayed"):
        assert text in page


def test_every_finding_is_on_the_page_with_its_evidence(recorded: Path, page: str) -> None:
    for finding in judge(recorded).findings:
        assert finding.name in page
        assert f'title="{finding.evidence}"' in page


def test_latencies_are_shown_by_percentile_and_as_a_curve(page: str) -> None:
    rows = re.findall(r"<td>produce</td>\s*<td>(\w+)</td>\s*(.*?)</tr>", page, re.DOTALL)
    assert {part: re.findall(r">([^<>\n]+)</td>", cells) for part, cells in rows} == {
        "wait": ["2,000", "2", "2", "2", "2", "2", "ms"],
        "service": ["2,000", "8", "11", "11", "7,012", "7,012", "ms"],
        "response": ["2,000", "10", "13", "13", "7,012", "7,016", "ms"],
    }
    assert "99.9%" in plots(page)[-1]


@pytest.mark.usefixtures("without_plots")
def test_what_was_not_acknowledged_is_counted_beside_the_latencies(run: Path) -> None:
    log = LatencyLog(run / "history", "w", RunClock.start())
    log.record("produce.unknown", 10**9, 7)
    log.close()
    judge(run)
    assert "produce: 0 failed and 7 have no known outcome" in render(run).read_text()


@pytest.mark.usefixtures("without_plots")
def test_a_latency_log_that_was_altered_after_the_run_is_not_shown(run: Path) -> None:
    seal_history(run)
    with (run / "history/latency-worker-0.hlog").open("r+b") as log:
        log.truncate(500)
    judge(run)
    page = render(run).read_text()
    assert "latency-worker-0.hlog: it was cut" in page
    assert '<table class="latencies">' not in page


@pytest.mark.usefixtures("without_plots")
def test_a_latency_log_that_is_damaged_is_told(run: Path) -> None:
    (run / "history/latency-w.hlog").write_text(f"Tag={EVIL},1,1,1,AAAA\n")
    judge(run)
    page = render(run).read_text()
    assert "latency-w.hlog: line 1: not an interval" in page
    assert "<script" not in page


def test_every_plot_bears_the_faults_and_the_phases(page: str) -> None:
    assert len(plots(page)) == 7
    for plot in plots(page)[:-1]:
        for text in ("kill kafka-broker-2", "kill flink-taskmanager-1", "warm up", "recovery"):
            assert text in plot


@pytest.mark.parametrize("figure", [None, float("inf"), float("nan")])
def test_what_never_came_is_written_as_such(figure: float | None) -> None:
    assert page_of.number(figure) == "never"


def test_a_page_is_the_same_whenever_it_is_rendered(recorded: Path, page: str) -> None:
    assert render(recorded).read_text() == page


@pytest.mark.usefixtures("without_plots")
def test_what_failed_shows_its_examples(run: Path) -> None:
    (part,) = (run / "history/readback_windows").glob("*.parquet")
    shutil.copy(part, part.with_name("again.parquet"))
    shutil.rmtree(run / "history/seen")
    judge(run)
    page = render(run).read_text()
    assert "<details open>" in page
    assert "the history lacks seen" in page


def test_a_run_that_recorded_nothing_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    judge(tmp_path)
    page = render(tmp_path).read_text()
    assert "INCONCLUSIVE" in page
    assert "nothing was recorded" in plots(page)[1]


@pytest.mark.usefixtures("without_plots")
def test_an_interrupted_run_says_so(run: Path) -> None:
    run_info(ended="interrupted").save(run / "history")
    judge(run)
    assert "did not come to its end (interrupted)" in render(run).read_text()


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize(
    ("expect_fail", "text"),
    [(("duplicates",), "did not: see expect_fail"), ((), "")],
    ids=["sabotage", "plain"],
)
def test_a_sabotage_says_whether_it_broke_what_it_was_to(
    run: Path, expect_fail: tuple[str, ...], text: str
) -> None:
    (run / "scenario.json").write_text(scenario(expect_fail=expect_fail).model_dump_json())
    judge(run)
    page = render(run).read_text()
    assert text in page
    assert ("is a sabotage" in page) == bool(expect_fail)


EVIL = '<script>alert("$1^")</script>'


def test_what_a_run_calls_things_is_text(run: Path) -> None:
    (run / "scenario.json").write_text(scenario(description=EVIL).model_dump_json())
    line = {
        "at_ns": 1,
        "fault": 9,
        "kind": EVIL,
        "action": "inject",
        "nodes": [EVIL],
        "ok": True,
        "detail": EVIL,
    }
    append_jsonl(run / "history/faults.jsonl", line)
    judge(run)
    page = render(run).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert all("<script" not in plot for plot in plots(page))


def test_a_run_that_was_not_judged_has_no_page(run: Path) -> None:
    with pytest.raises(RunError, match="floodmark judge"):
        render(run)


@pytest.mark.usefixtures("without_plots")
def test_the_page_is_not_written_through_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    (run / "report.html").symlink_to(tmp_path / "outside")
    judge(run)
    render(run)
    assert (tmp_path / "outside").read_text() == "mine"


def test_throughput_shows_the_seconds_in_which_nothing_came() -> None:
    late = {"started_ns": 3 * 10**9, "completed_ns": 3 * 10**9}
    of = history(plan=[event(0, 0)], operations=[sent(0, 0), sent(0, 1, **late)])  # type: ignore[arg-type]
    _, acknowledged = throughput(of)
    assert acknowledged.at_s.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert acknowledged.value.tolist() == [1.0, 0.0, 0.0, 2.0]


def test_a_load_by_the_traces_own_times_wants_what_the_plan_has_due() -> None:
    due = target(history(plan=[event(0, 0), event(1, 0.5), event(2, 1)]))
    assert (due.at_s.tolist(), due.value.tolist()) == ([0.0, 1.0, 1.0, 2.0], [2.0, 2.0, 1.0, 1.0])


def test_a_load_by_a_profile_wants_its_curve() -> None:
    load = Load(trace=Path("t"), event_span=60.0, duration=60.0, profile=Step(rates=(1, 3)))
    curve = target(history(of=scenario(load=load)))
    assert (curve.at_s.tolist(), curve.value.tolist()) == ([0.0, 30.0, 30.0, 60.0], [1.0, 1.0, 3.0, 3.0])


@pytest.mark.usefixtures("without_plots")
def test_the_page_names_the_profile_and_how_events_arrive(run: Path) -> None:
    load = {"trace": "t", "event_span": 60.0, "duration": 60.0, "arrivals": "poisson"}
    profiled = Load.model_validate(
        {**load, "profile": {"kind": "ramp", "start": 0, "end": 5000}}, strict=False
    )
    (run / "scenario.json").write_text(scenario(load=profiled).model_dump_json())
    judge(run)
    assert "ramp, start 0, end 5,000; poisson arrivals" in render(run).read_text()


def test_what_readers_were_answered_is_counted_by_second() -> None:
    answers = [("hot_point_read", 1), ("hot_range_read", 1), ("hot_point_read", 3), ("hot_read", 2)]
    operations = [sent(-1, -1, kind=kind, completed_ns=at_s * 10**9) for kind, at_s in answers]
    failed = sent(-1, -1, "fail", kind="hot_point_read", completed_ns=10**9)
    assert reads(history(operations=[*operations, failed])).value.tolist() == [2.0, 0.0, 1.0]


def test_processor_use_is_the_growth_of_its_counter() -> None:
    counted = [
        sample("node_cpu_seconds_total", at, value, "n1") for at, value in ((0, 5), (1, 5.5), (2, 0.1))
    ]
    (used,) = cpu(history(samples=counted))
    assert used.value.tolist() == [0.5, 0.0]


def test_a_dead_node_leaves_a_gap() -> None:
    held = [sample("node_memory_bytes", at, 2**20, "n1") for at in (0, 1, 9, 10)]
    (line,) = memory(history(samples=held))
    assert [str(value) for value in line.value] == ["1.0", "1.0", "nan", "1.0", "1.0"]


def test_percentiles_by_second_are_values_that_were_seen() -> None:
    series = Series(name="x", at_s=np.array([1.5, 0.2, 0.9, 0.1]), value=np.array([7.0, 1.0, 3.0, 2.0]))
    median = by_second(series, 50)
    assert (median.at_s.tolist(), median.value.tolist()) == ([0.0, 1.0], [2.0, 7.0])
