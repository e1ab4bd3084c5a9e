"""The judge: limits against measurements, the worst finding wins, and nothing unjudged ever passes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.base.errors import RunError
from harness.base.files import write_atomically
from harness.history.course import HotWriteLine
from harness.history.plan_schema import PLAN
from harness.history.reader import History
from harness.history.seal import seal_history
from harness.history.writer import TableWriter, write_parquet
from harness.judge.judge import judge, judge_history
from harness.judge.judgement import Judgement, worst
from harness.judge.measure.evidence import Evidence
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.measure.measurement import Count, Distribution, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, DISTRIBUTION, NEVER, Check
from harness.judge.registry import CHECKS, checks_for
from harness.scenario.model import Expectation
from harness.scenario.phases import PHASES
from harness.scenario.setting import Setting
from pipeline.base.options import PipelineOptions
from tests.core.histories import (
    SECOND_NS,
    evidence,
    fault,
    history,
    phase,
    punctual,
    run_info,
    sample,
    scenario,
    sent,
)


class Says:
    """A check that says what it is told to, and needs nothing."""

    describes = "what it is told to"
    needs: Set[str] = frozenset()
    phases: Set[str] = frozenset(PHASES)

    def __init__(self, name: str, answer: Measurement | Exception, unit: str = "") -> None:
        self.name, self.answer, self.unit = name, answer, unit
        self.aggregates: Set[str] = DISTRIBUTION if unit else COUNT
        self.default_thresholds = () if unit else NEVER

    def unfit(self, setting: Setting) -> str:
        return ""

    def measure(self, history: History) -> Measurement:
        if isinstance(self.answer, Exception):
            raise type(self.answer)(*self.answer.args)
        return self.answer


def values(*numbers: float, phase: str = "steady") -> Distribution:
    return Distribution(
        values=np.array(numbers), phases=np.array([phase] * len(numbers)), weights=np.ones(len(numbers), int)
    )


GOOD, BAD, UNKNOWN = Count(value=0), Count(value=2, examples=("one", "two")), Unjudged(reason="no idea")


def judged(checks: Mapping[str, Measurement | Exception], of: History | None = None) -> Judgement:
    says: dict[str, Check] = {
        name: Says(name, answer, unit="ms" if isinstance(answer, Distribution) else "")
        for name, answer in checks.items()
    }
    return judge_history(of or history(), run_id="r", checks=says)


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    return {finding.name: finding.verdict for finding in judgement.findings}


@pytest.mark.parametrize(
    ("answers", "verdict", "exit_code"),
    [
        ({"a": GOOD}, Verdict.PASS, 0),
        ({"a": GOOD, "b": BAD}, Verdict.FAIL, 1),
        ({"a": GOOD, "b": UNKNOWN}, Verdict.INCONCLUSIVE, 3),
        ({"a": UNKNOWN, "b": BAD}, Verdict.FAIL, 1),
        ({}, Verdict.INCONCLUSIVE, 3),
    ],
)
def test_the_worst_finding_wins(
    answers: dict[str, Measurement | Exception], verdict: Verdict, exit_code: int
) -> None:
    judgement = judged(answers)
    assert (judgement.verdict, judgement.exit_code) == (verdict, exit_code)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from([GOOD, BAD, UNKNOWN, ValueError("x")])))
def test_a_run_with_anything_unjudged_never_passes(answers: dict[str, Measurement | Exception]) -> None:
    passed = judged(answers).verdict is Verdict.PASS
    assert passed == (bool(answers) and all(answer is GOOD for answer in answers.values()))


def test_a_safety_finding_needs_no_expectation() -> None:
    assert judged({"a": BAD}).findings == (
        Finding(
            name="a",
            verdict=Verdict.FAIL,
            observed=2.0,
            limit="count == 0",
            unit="",
            phase="whole run",
            evidence=evidence(0),
            examples=("one", "two"),
        ),
    )


def test_a_laxer_expectation_does_not_replace_a_safety_checks_own() -> None:
    of = history(of=scenario(Expectation(check="a", thresholds=("count <= 5",))))
    assert [f.verdict for f in judged({"a": BAD}, of).findings] == [Verdict.FAIL, Verdict.PASS]


def waiving(*names: str, **changes: Any) -> History:
    return history(of=scenario(*(Expectation(check=name, waive="known") for name in names), **changes))


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (GOOD, "waived: known (it would be PASS)"),
        (BAD, "waived: known (it would be FAIL)"),
        (UNKNOWN, "waived: known (it would be INCONCLUSIVE: no idea)"),
        (ValueError("x"), "waived: known (it would be INCONCLUSIVE: the check crashed: ValueError: x)"),
    ],
)
def test_a_waived_check_counts_for_nothing_and_is_listed(
    answer: Measurement | Exception, detail: str
) -> None:
    judgement = judged({"a": answer, "b": GOOD}, waiving("a"))
    assert verdicts(judgement) == {"a": Verdict.WAIVED, "b": Verdict.PASS}
    assert (judgement.verdict, judgement.exit_code, judgement.waived) == (Verdict.PASS, 0, ("a",))
    assert judgement.findings[0].detail == detail
    assert judgement.to_json()["waived"] == ["a"]


def test_what_a_waived_check_found_is_shown() -> None:
    (finding,) = judged({"a": BAD}, waiving("a")).findings
    assert (finding.observed, finding.limit, finding.examples) == (2.0, "count == 0", ("one", "two"))


def test_where_all_is_waived_nothing_was_judged() -> None:
    judgement = judged({"a": GOOD}, waiving("a"))
    assert (judgement.verdict, judgement.exit_code) == (Verdict.INCONCLUSIVE, 3)


def test_a_waiver_excuses_no_other_check_nor_a_limit_that_was_added() -> None:
    assert judged({"a": GOOD, "b": BAD}, waiving("a")).verdict is Verdict.FAIL
    both = (Expectation(check="a", waive="known"), Expectation(check="a", thresholds=("count == 0",)))
    found = [finding.verdict for finding in judged({"a": BAD}, history(of=scenario(*both))).findings]
    assert found == [Verdict.WAIVED, Verdict.FAIL]


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        ({"b": GOOD}, "there is no such check"),
        ({"b": GOOD, "a": values(1.0)}, "it has no default limit to waive"),
    ],
)
def test_a_waiver_of_what_does_not_hold_is_inconclusive(
    answers: dict[str, Measurement | Exception], detail: str
) -> None:
    judgement = judged(answers, waiving("a"))
    assert (judgement.verdict, judgement.findings[-1].detail) == (Verdict.INCONCLUSIVE, detail)
    assert judgement.waived == ()


def test_a_sabotage_cannot_break_what_is_waived() -> None:
    judgement = judged({"a": BAD, "b": GOOD}, waiving("a", expect_fail=("a",)))
    assert (judgement.as_expected, judgement.exit_code) == (False, 3)


def test_evidence_is_an_object_with_its_text_in_json() -> None:
    written = judged({"a": GOOD}).to_json()
    assert written["findings"][0]["evidence"] == written["evidence"]
    assert written["evidence"] == {
        "kind": "measured",
        "backend": "process",
        "scale": "kafka 1, 0 events",
        "interval": None,
        "source": "",
        "text": "measured: process backend, kafka 1, 0 events",
    }


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Evidence(kind="measured", scale="nothing"), "measured: nothing"),
        (
            Evidence(kind="modelled", scale="kafka 24", interval=(1.0, 2.5), source="7 runs"),
            "modelled: kafka 24, between 1 and 2.5, from 7 runs",
        ),
        (Evidence(kind="assumed", source="a price list"), "assumed: from a price list"),
    ],
)
def test_evidence_is_told_to_people(given: Evidence, text: str) -> None:
    assert str(given) == text


def test_a_crashed_check_costs_only_itself() -> None:
    judgement = judged({"a": ZeroDivisionError("by nought"), "b": GOOD})
    assert verdicts(judgement) == {"a": Verdict.INCONCLUSIVE, "b": Verdict.PASS}
    assert judgement.findings[0].detail == "the check crashed: ZeroDivisionError: by nought"


@pytest.mark.parametrize(
    ("check", "threshold", "detail"),
    [
        ("no_such", "count == 0", "there is no such check"),
        ("a", "count == 0ms", "not a limit"),
        ("a", "p(99) < 5ms", "not a limit"),
    ],
)
def test_a_limit_that_means_nothing_is_inconclusive(check: str, threshold: str, detail: str) -> None:
    of = history(of=scenario(Expectation(check=check, thresholds=(threshold,))))
    finding = judged({"a": GOOD}, of).findings[-1]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail.startswith(detail)


SLOW = scenario(Expectation(check="a", thresholds=("max < 5ms", "max < 50ms")))


@pytest.mark.parametrize("answer", [GOOD, BAD])
def test_counts_of_an_interrupted_run_are_inconclusive(answer: Measurement) -> None:
    (finding,) = judged({"a": answer}, history(info=run_info(ended="interrupted"))).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "the run did not complete"


def test_what_was_too_slow_in_an_interrupted_run_stays_too_slow() -> None:
    of = history(info=run_info(ended="no"), of=SLOW)
    assert [f.verdict for f in judged({"a": values(10.0)}, of).findings] == [
        Verdict.FAIL,
        Verdict.INCONCLUSIVE,
    ]


def test_measurements_are_summed_up_by_phase_without_any_limit() -> None:
    summaries = judged({"a": values(1.0, 2.0, 3.0)}).measured
    assert [(s.phase, s.count, s.p50, s.max) for s in summaries] == [
        ("whole run", 3, 2.0, 3.0),
        ("steady", 3, 2.0, 3.0),
    ]


@pytest.mark.parametrize(
    ("answers", "as_expected", "verdict", "exit_code", "detail"),
    [
        ({"a": BAD, "b": GOOD}, True, Verdict.FAIL, 1, "failed as expected, and nothing else did: a"),
        ({"a": GOOD, "b": GOOD}, False, Verdict.INCONCLUSIVE, 3, "expected to fail but did not: a"),
        ({"a": UNKNOWN, "b": GOOD}, False, Verdict.INCONCLUSIVE, 3, "expected to fail but did not: a"),
        ({"a": BAD, "b": UNKNOWN}, False, Verdict.FAIL, 3, "could not be judged: b"),
        ({"a": BAD, "b": BAD}, False, Verdict.FAIL, 3, "failed unexpectedly: b"),
        (
            {"a": GOOD, "b": BAD},
            False,
            Verdict.FAIL,
            3,
            "expected to fail but did not: a; failed unexpectedly: b",
        ),
    ],
)
def test_a_sabotage_breaks_what_it_was_to_break_and_nothing_else(
    answers: dict[str, Measurement | Exception],
    as_expected: bool,
    verdict: Verdict,
    exit_code: int,
    detail: str,
) -> None:
    judgement = judged(answers, history(of=scenario(expect_fail=("a",))))
    assert (judgement.as_expected, judgement.verdict, judgement.exit_code) == (
        as_expected,
        verdict,
        exit_code,
    )
    assert judgement.findings[-1].detail == detail


def run_folder(tmp_path: Path, **files: bytes) -> Path:
    """A run that was killed before it recorded anything, but for these files of its history."""
    run = tmp_path / "2026-01-01--1"
    (run / "history").mkdir(parents=True)
    (run / "scenario.json").write_text(scenario().model_dump_json())
    for name, content in files.items():
        (run / "history" / name.replace("_json", ".json")).write_bytes(content)
    return run


def test_a_check_that_can_tell_nothing_of_a_run_says_why() -> None:
    of = scenario(Expectation(check="pruning", thresholds=("min > 0%",)), pipeline=PipelineOptions(deploy=()))
    (finding,) = (f for f in judge_history(history(of=of), run_id="r").findings if f.name == "pruning")
    assert (finding.verdict, finding.detail) == (
        Verdict.INCONCLUSIVE,
        "it cannot judge this scenario unless pipeline.deploy has lake,"
        " and a step of lake is a run with scans",
    )


def test_a_run_that_recorded_nothing_is_inconclusive(tmp_path: Path) -> None:
    judgement = judge(run_folder(tmp_path))
    assert judgement.exit_code == 3
    assert {finding.verdict for finding in judgement.findings} == {Verdict.INCONCLUSIVE}
    *of_checks, of_history = judgement.findings
    assert {finding.detail for finding in of_checks} == {"the run ended before its load started"}
    assert of_history.examples == ("run.json is missing: the run ended before its load started",)


def test_a_run_that_lacks_every_table_is_inconclusive(tmp_path: Path) -> None:
    judgement = judge(run_folder(tmp_path, run_json=run_info().model_dump_json().encode()))
    inconclusive = {f.name for f in judgement.findings if f.verdict is Verdict.INCONCLUSIVE}
    safety = {n for n, c in checks_for(scenario()).items() if c.default_thresholds}
    assert inconclusive == safety | {"history"}


def test_a_table_with_an_unreadable_part_is_not_judged(tmp_path: Path) -> None:
    run = run_folder(tmp_path, run_json=run_info().model_dump_json().encode())
    for table in ("readback_events", "readback_windows", "operations"):
        TableWriter(run / "history", table, "w").close()
    write_parquet(PLAN.empty_table(), run / "history" / "plan.parquet")
    (run / "history/readback_events/torn.parquet").write_bytes(b"PAR1")
    details = {finding.name: finding.detail for finding in judge(run).findings}
    assert details["duplicates"] == "part of readback_events cannot be read"


TORN = {
    "phases": ("phases.jsonl", "produce_latency"),
    "faults": ("faults.jsonl", "produce_latency"),
    "hot_writes": ("hot_writes-0.jsonl", "hot_write_latency"),
}


@pytest.mark.parametrize("name", TORN)
@pytest.mark.parametrize("torn", [False, True])
def test_a_line_that_is_torn_lets_nobody_be_judged_by_the_others(
    tmp_path: Path, name: str, torn: bool
) -> None:
    """What was slow lies behind the torn line; without it, it would count as fast, or not at all."""
    run = run_folder(tmp_path, run_json=run_info().model_dump_json().encode())
    limits = {"produce_latency": "p(50) < 500ms during fault", "hot_write_latency": "max < 100ms"}
    slow = scenario(*(Expectation(check=check, thresholds=(limit,)) for check, limit in limits.items()))
    (run / "scenario.json").write_text(slow.model_dump_json())
    lines = {
        "phases.jsonl": [phase(0, "steady"), phase(20, "fault"), phase(30, "recovery"), phase(60, "drain")],
        "faults.jsonl": [fault(20, "inject"), fault(30, "heal")],
        "hot_writes-0.jsonl": [
            HotWriteLine(at_unix_ns=run_info().epoch_unix_ns + 9, duration_us=ms * 1e3, rows=1, table="t")
            for ms in (5, 5, 9000)
        ],
    }
    for file, written in lines.items():
        text = [line.model_dump_json() + "\n" for line in written]
        if torn and file == TORN[name][0]:
            text[2 % len(text)] = text[2 % len(text)][:9] + "\n"
        (run / "history" / file).write_text("".join(text))
    with TableWriter(run / "history", "operations", "worker-0") as table:
        for at_s in range(55):
            times = {"intended_ns": at_s * SECOND_NS, "started_ns": at_s * SECOND_NS}
            took_ns = 4 * SECOND_NS if 20 <= at_s < 30 else 10**7
            table.add(**sent(at_s, at_s, **times, completed_ns=at_s * SECOND_NS + took_ns))  # type: ignore[arg-type]
    with TableWriter(run / "history", "generator", "worker-0") as table:
        for at_s in range(60):
            table.add(**punctual(at_s))  # type: ignore[arg-type]
    with TableWriter(run / "history", "samples", "sampler") as table:
        for at_s in range(60):
            table.add(**sample("hot_lag_events", at_s, 0))  # type: ignore[arg-type]
    seal_history(run)
    check = TORN[name][1]
    (found,) = (f for f in judge(run).findings if f.name == check)
    expected = (Verdict.INCONCLUSIVE, f"part of {name} cannot be read") if torn else (Verdict.FAIL, "")
    assert (found.verdict, found.detail) == expected


def test_whatever_is_wrong_with_a_history_rules_out_pass_and_is_told(tmp_path: Path) -> None:
    run = run_folder(tmp_path, run_json=run_info().model_dump_json().encode())
    seal_history(run)
    good, bad = Says("a", GOOD), Says("b", BAD)
    assert judge_history(History.open(run), run_id="r", checks={"a": good}).verdict is Verdict.PASS
    for number in range(7):
        (run / f"history/added-{number}").touch()
    damaged = History.open(run)
    passed = judge_history(damaged, run_id="r", checks={"a": good})
    assert (verdicts(passed), passed.verdict, passed.exit_code) == (
        {"a": Verdict.PASS, "history": Verdict.INCONCLUSIVE},
        Verdict.INCONCLUSIVE,
        3,
    )
    told = passed.findings[-1]
    assert (told.observed, told.examples) == (7, passed.problems[:5])
    assert told.examples[0] == "added-0: it was added after the run: the seal does not list it"
    assert judge_history(damaged, run_id="r", checks={"b": bad}).verdict is Verdict.FAIL


def test_a_sabotage_of_whose_history_something_is_wrong_is_not_as_expected(tmp_path: Path) -> None:
    run = run_folder(tmp_path, run_json=run_info().model_dump_json().encode())
    (run / "scenario.json").write_text(scenario(expect_fail=("a",)).model_dump_json())
    seal_history(run)
    (run / "history/added").touch()
    judgement = judge_history(History.open(run), run_id="r", checks={"a": Says("a", BAD)})
    assert (judgement.as_expected, judgement.exit_code) == (False, 3)
    assert judgement.findings[-1].detail == "could not be judged: history"


def test_without_its_scenario_a_run_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"scenario\.json"):
        judge(tmp_path)


def test_findings_are_kept_and_judging_again_gives_the_same(tmp_path: Path) -> None:
    run = run_folder(tmp_path, run_json=run_info().model_dump_json().encode())
    first = judge(run)
    assert judge(run) == first == Judgement.load(run)


def test_what_never_came_is_null_in_json() -> None:
    of = history(of=SLOW)
    written: dict[str, Any] = json.loads(json.dumps(judged({"a": values(np.inf)}, of).to_json()))
    assert [f["observed"] for f in written["findings"]] == [None, None]
    assert written["findings"][0]["detail"] == "it never came"


def test_json_says_what_programs_ask_for() -> None:
    written = judged({"a": GOOD}).to_json()
    assert {"verdict", "findings", "run_id", "seed", "as_expected"} <= written.keys()
    wanted = {"name", "verdict", "observed", "limit", "unit", "phase", "evidence", "detail", "examples"}
    assert written["findings"][0].keys() == wanted


def test_without_findings_there_is_no_verdict() -> None:
    assert worst([]) is Verdict.INCONCLUSIVE


def test_a_file_is_replaced_and_not_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "link").symlink_to(outside)
    write_atomically(tmp_path / "link", b"new")
    assert (outside.read_text(), (tmp_path / "link").read_text()) == ("mine", "new")


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_bears_the_name_that_it_is_registered_by(name: str) -> None:
    assert CHECKS[name].name == name
    assert CHECKS[name].describes
