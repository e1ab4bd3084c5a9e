"""Words that were renamed: refused with the new one named, all at once, and understood in old records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.base.errors import InvalidInput
from harness.cli.main import invoke
from harness.scenario.renamed import with_new_words
from harness.validate.scenario_file import load_scenario
from tests.core.scenario_parts import problems_of, rides

OLD: dict[str, Any] = {
    "batch": {"steps": []},
    "pipeline": {"deploy": "lambda", "batch": {"gates": "skip"}},
    "load": {"path": "replay"},
    "topology": {"services": {"kafka": {"broker": {"count": 1, "heap": 5}}, "spark": {}}},
    "expect": [
        {"check": "batch_duration", "thresholds": ["max < 1s during batch", "max < 9s during steady,batch"]},
        {"check": "duplicates", "thresholds": ["count == 0"]},
    ],
    "expect_fail": ["duplicates", "batch_cpu"],
}
NEW: dict[str, Any] = {
    "lake": {"steps": []},
    "pipeline": {"deploy": ["stream", "lake"], "lake": {"gates": "skip"}},
    "load": {"path": "record_batches"},
    "topology": {"services": {"kafka": {"broker": {"count": 1, "memory": 5}}, "spark": {}}},
    "expect": [
        {"check": "lake_duration", "thresholds": ["max < 1s during lake", "max < 9s during steady,lake"]},
        {"check": "duplicates", "thresholds": ["count == 0"]},
    ],
    "expect_fail": ["duplicates", "lake_cpu"],
}


def test_every_old_word_is_replaced_and_named_with_its_place() -> None:
    data, renamed = with_new_words(OLD)
    assert data == NEW
    assert [(word.at, word.old, word.new) for word in renamed] == [
        (("batch",), "batch", "lake"),
        (("pipeline", "batch"), "batch", "lake"),
        (("pipeline", "deploy"), "lambda", "[stream, lake]"),
        (("load", "path"), "replay", "record_batches"),
        (("topology", "services", "kafka", "broker", "heap"), "heap", "memory"),
        (("expect", 0, "check"), "batch_duration", "lake_duration"),
        (("expect", 0, "thresholds", 0), "max < 1s during batch", "max < 1s during lake"),
        (("expect", 0, "thresholds", 1), "max < 9s during steady,batch", "max < 9s during steady,lake"),
        (("expect_fail", 1), "batch_cpu", "lake_cpu"),
    ]


def test_new_words_are_left_alone() -> None:
    assert with_new_words(NEW) == (NEW, ())


@pytest.mark.parametrize(
    "section",
    [
        3,
        None,
        ["batch"],
        {"path": 3},
        {"deploy": 3},
        [{"check": 3}, 4],
        {"services": [4]},
        {"services": {"kafka": {"broker": "heap"}, "a": 1}},
    ],
)
@pytest.mark.parametrize("name", ["load", "pipeline", "expect", "expect_fail", "batch", "topology"])
def test_what_is_no_scenario_is_left_to_those_who_judge_it(name: str, section: object) -> None:
    data, _ = with_new_words({name: section})
    assert data == {"lake" if name == "batch" else name: section}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("users: 2", "path: live", "13: load.path: found live; allowed: events, as it is called now"),
        (
            "hot:",
            "deploy: topics\n  hot:",
            "7: pipeline.deploy: found topics; allowed: [], as it is called now",
        ),
        (
            "topology: tiny",
            "topology: {name: x, zones: [a], services: {kafka: {broker: {count: 1, heap: 1MiB}}}}",
            "4: topology.services.kafka.broker.heap: found heap; allowed: memory, as it is called now",
        ),
        (
            "check: duplicates",
            "check: batch_cpu",
            "20: expect[0].check: found batch_cpu; allowed: lake_cpu, as",
        ),
        ("warm_up: 5s", "batch: {steps: []}", "15: batch: found batch; allowed: lake, as it is called now"),
    ],
)
def test_an_old_word_in_a_file_is_refused_with_its_line(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    assert any(problem.startswith(told) for problem in problems_of(tmp_path, old, new))


def test_an_old_word_hides_no_other_mistake() -> None:
    with pytest.raises(InvalidInput) as error:
        rides(load__path="live", load__users=0, warm_up="x")
    found = {str(problem).split(": found")[0].rpartition(": ")[2] for problem in error.value.problems}
    assert found == {"load.path", "load.users", "warm_up"}


def test_an_old_command_is_refused_with_the_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["batch", "run", "--date", "2026-11-20"]) == 2
    assert "found batch; allowed: lake, as it is called now" in capsys.readouterr().err


def test_a_scenario_of_the_old_name_is_not_there_any_more(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="batch-day"):
        load_scenario(Path("scenarios/batch-day.yaml"))
