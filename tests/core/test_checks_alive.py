"""A process that ends unasked is counted; what a fault ended, and a load that is done, is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.history.course import EndLine
from harness.history.reader import History
from harness.judge.checks.recovery.nodes_alive import OF_LOAD
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.registry import CHECKS
from harness.layers.registry import probe_names
from harness.run.run import LOAD, READERS
from tests.core.histories import SECOND_NS, fault, history, run_info, scenario

PROBER = "prober"


def end(at_s: float, node: str = "cassandra-node-3", code: int = -9) -> EndLine:
    return EndLine(at_ns=round(at_s * SECOND_NS), node=node, exit=code)


def measured(of: History) -> Measurement:
    return CHECKS["nodes_alive"].measure(of)


def count(of: History) -> int:
    answer = measured(of)
    assert isinstance(answer, Count)
    return answer.value


def test_a_run_in_which_nothing_ended_has_no_deaths() -> None:
    assert count(history()) == 0


def test_a_node_that_dies_unasked_is_a_death_with_its_time_and_how() -> None:
    answer = measured(history(ends=[end(42.1)], info=run_info(load_start_ns=2 * SECOND_NS)))
    assert isinstance(answer, Count)
    assert answer.value == 1
    assert answer.examples == ("cassandra-node-3 ended by SIGKILL at 40.1 s",)


def test_an_exit_code_is_told_too_and_even_nought_is_a_death_of_a_writer() -> None:
    answer = measured(history(ends=[end(1, "hot-writer-1", 0), end(2, "kafka-broker-1", 3)]))
    assert isinstance(answer, Count)
    assert answer.examples == (
        "hot-writer-1 ended with exit code 0 at 1.0 s",
        "kafka-broker-1 ended with exit code 3 at 2.0 s",
    )


@pytest.mark.parametrize(
    ("at_s", "node", "deaths"),
    [
        (10.0, "kafka-broker-1", 0),
        (15.0, "kafka-broker-1", 0),
        (20.0, "kafka-broker-1", 0),
        (20.1, "kafka-broker-1", 1),
        (9.9, "kafka-broker-1", 1),
        (15.0, "kafka-broker-2", 1),
    ],
)
def test_a_fault_excuses_the_deaths_of_its_targets_until_it_is_healed(
    at_s: float, node: str, deaths: int
) -> None:
    faults = (fault(10, "inject"), fault(20, "heal"))
    assert count(history(faults=faults, ends=[end(at_s, node)])) == deaths


def test_a_fault_that_was_never_healed_excuses_its_target_to_the_end() -> None:
    assert count(history(faults=[fault(10, "inject")], ends=[end(50, "kafka-broker-1")])) == 0


def test_a_process_of_the_pipeline_may_be_a_target_too() -> None:
    faults = [fault(t, a, nodes=["hot-writer-1"]) for t, a in ((1, "inject"), (2, "heal"))]
    assert count(history(faults=faults, ends=[end(1.001, "hot-writer-1")])) == 0


@pytest.mark.parametrize("node", [LOAD, READERS])
def test_a_load_that_is_done_ends_by_itself_and_so_do_its_readers(node: str) -> None:
    assert count(history(ends=[end(60, node, 0)])) == 0


def test_a_batch_process_that_came_to_its_end_is_done_and_one_that_was_killed_is_not() -> None:
    assert count(history(ends=[end(60, "batch-3", 0)])) == 0
    assert count(history(ends=[end(60, "batch-3")])) == 1


@pytest.mark.parametrize(
    ("node", "code"), [(LOAD, 1), (LOAD, -11), (READERS, -9), (READERS, 1), (PROBER, 0), (PROBER, -9)]
)
def test_when_only_the_harness_own_processes_died_nothing_is_proven(node: str, code: int) -> None:
    answer = measured(history(ends=[end(60, node, code)]))
    assert isinstance(answer, Unjudged)
    assert answer.reason.startswith(node)


def test_a_node_that_died_counts_whatever_became_of_the_harness_own() -> None:
    assert count(history(ends=[end(60, PROBER), end(61)])) == 1


def test_the_harness_own_processes_are_known_by_the_names_that_they_are_started_by() -> None:
    assert {LOAD, READERS} == OF_LOAD
    assert {PROBER} == probe_names()


def run_folder(tmp_path: Path, ends: bytes | None) -> History:
    (tmp_path / "history").mkdir()
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    run_info().save(tmp_path / "history")
    if ends is not None:
        (tmp_path / "history" / "ends.jsonl").write_bytes(ends)
    return History.open(tmp_path)


def test_a_run_without_the_record_lacks_it_and_an_empty_one_is_a_record(tmp_path: Path) -> None:
    assert "ends" in history(ends=None).missing
    assert "ends" not in history(ends=()).missing
    assert CHECKS["nodes_alive"].needs == {"run", "ends", "faults"}
    assert "ends" not in run_folder(tmp_path, b"").missing


def test_a_run_recorded_before_lacks_the_record(tmp_path: Path) -> None:
    assert "ends" in run_folder(tmp_path, None).missing


def test_a_damaged_line_is_not_overlooked(tmp_path: Path) -> None:
    read = run_folder(tmp_path, b'{"at_ns": 1, "node": "a", "exit": -9}\n{"at_ns": 2, "no')
    assert "ends" in read.damaged
    assert len(read.ends) == 1
