"""Every check can turn red, and alone: each has a planted fault that it sees and that no other one does.

A check without a plant is a check of which nobody knows whether it looks. Who adds one adds a plant here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.history.course import EndLine
from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Verdict
from harness.judge.registry import IMPLEMENTATIONS, checks_for
from harness.scenario.model import Scenario
from tests.core.histories import SECOND_NS, Rows, punctual
from tests.core.lake_histories import DAY, LAYER_TABLES, gate, quarantined
from tests.core.planted import BASES, CONFLICT, ENDS, FAULTS, LATE, batch, record_batches, stream, topics

Plant = Callable[[], History]

NEVER_FAIL = {"faults_carried_out"}
"""Checks that doubt the run and blame nobody: theirs is INCONCLUSIVE."""

OF_THE_LOAD = {"generator_kept_up", "rate_accuracy"}
"""Checks of the load itself: what it did wrong is no failure of the platform."""

SAFETY: Mapping[str, Mapping[str, Plant]] = {
    "stream": {
        # It is there all the same.
        "unacknowledged": lambda: stream().but("operations", 59, outcome="unknown"),
        "acknowledged_lost": lambda: stream().less("readback_events", 61),
        "unaccounted": lambda: stream().more("readback_events", {**_record("events_valid", 5), "seq": -1}),
        "altered": lambda: stream().but(
            "readback_events",
            stream().where("readback_events", topic="events_valid", seq=1),
            sent_as=CONFLICT,
        ),
        "duplicates": lambda: stream().more("readback_events", _record("events_valid", 5)),
        "dead_letters": lambda: stream().but("readback_events", -1, reason=""),
        "late_events": lambda: stream().more("readback_events", _record("events_late", LATE + 1)),
        "windows_equal_oracle": lambda: stream().but("readback_windows", 0, value_sum=77.0),
        "hot_events_equal_oracle": lambda: stream().but("readback_hot_events", 7, value=0.9),
        "hot_windows_equal_oracle": lambda: stream().less("readback_hot_windows", 3),
        "steady_state": lambda: stream().but("operations", 10, completed_ns=16 * SECOND_NS),
        "faults_carried_out": lambda: stream().with_(faults=FAULTS[:1]),
        "nodes_alive": lambda: stream().with_(
            ends=(*ENDS, EndLine(at_ns=40 * SECOND_NS, node="cassandra-node-2", exit=-9))
        ),
        "replication": lambda: stream().but(
            "samples", stream().where("samples", metric="topic_replication_factor"), value=1.0
        ),
        "drained": lambda: stream().but(
            "samples", stream().where("samples", metric="undrained_events"), value=3.0
        ),
    },
    "topics": {
        "unaccounted": lambda: topics().more("readback_events", {**_record("events", 5), "seq": -1}),
        "duplicates": lambda: topics().more("readback_events", _record("events", 5)),
        "altered": lambda: topics().but("readback_events", 5, sent_as=-1),
    },
    "lake": {
        "bronze_equals_oracle": lambda: batch().but("lake_bronze", 0, checksum=1),
        "silver_equals_oracle": lambda: batch().but("lake_silver", 0, checksum=1),
        "gold_equals_oracle": lambda: batch().but("lake_gold_daily", 0, value_max=77.0),
        "reconciled": lambda: batch().but("lake_landing", 0, rows=10),
        "gates_evaluated": lambda: batch().more("lake_gates", gate("bronze", "rows", result="failed")),
        "days_published": lambda: batch().with_(of=_expecting_quarantine(batch().scenario)),
        "reruns_unchanged": lambda: batch().but("lake_contents", 1, checksum=18),
    },
    "record_batches": {
        "unacknowledged": lambda: record_batches().but("operations", 59, outcome="unknown"),
        "acknowledged_lost": lambda: record_batches().less("readback_record_batches", 30),
        "unaccounted": lambda: record_batches().more(
            "readback_record_batches", {**_batch(0), "records_crc": 5}
        ),
        "duplicates": lambda: record_batches().more("readback_record_batches", _batch(0)),
        "out_of_order": lambda: record_batches().with_(
            readback_record_batches=[
                {**row, "offset": {100: 110, 110: 100}.get(row["offset"], row["offset"])}
                for row in record_batches().tables["readback_record_batches"]
            ]
        ),
    },
}
"""By the run that it is planted in and the check that must see it."""

MORE: Mapping[str, Mapping[str, Plant]] = {
    "lake": {
        "gold_equals_oracle": lambda: batch().but("lake_gold_hourly", 0, value_max=77.0),
        "gates_evaluated": lambda: batch().less("lake_gates", 0),
        "days_published": lambda: batch().with_(**_quarantined_in_gold()),
    },
}
"""Other faults that the same checks must see."""


def _quarantined_in_gold() -> Mapping[str, Rows]:
    """The tables of a day that the last gate kept back, though nothing is wrong with it."""
    moved = {
        name: [{**row, "place": "quarantine"} for row in batch().tables[name] if row["event_date"] == DAY]
        for name in LAYER_TABLES["gold"]
    }
    return {"lake_tasks": quarantined("gold"), "lake_gold_entities": (), **moved}


def _expecting_quarantine(of: Scenario) -> Scenario:
    """The same scenario, which plans that its day is not published."""
    assert of.lake is not None
    return of.model_copy(update={"lake": of.lake.model_copy(update={"expect_quarantined": (1,)})})


def _record(topic: str, seq: int) -> Mapping[str, object]:
    """One more record of a topic."""
    of = next(
        row for row in stream().tables["readback_events"] if (row["topic"], row["seq"]) == ("events", seq)
    )
    return {**of, "topic": topic, "offset": 900}


def _batch(number: int) -> Mapping[str, object]:
    """One more copy of a batch, behind all others."""
    return {**record_batches().tables["readback_record_batches"][number], "offset": 900}


Changes = Callable[[], Mapping[str, Any]]

LIMITS: Mapping[str, Mapping[str, tuple[str, Changes]]] = {
    "stream": {
        "recovery_time": ("max < 10s", lambda: _operation(21, done_s=45)),
        "catch_up_time": ("max < 10s", lambda: _lagging(range(23, 56))),
        "load_on_schedule": ("max < 1s", lambda: _operation(30, begun_s=33, done_s=33)),
        "generator_kept_up": (
            "max < 100ms",
            lambda: {"generator": [punctual(n / 2, late_ms=500.0 if n == 50 else 0.0) for n in range(160)]},
        ),
        "rate_accuracy": ("max < 5%", lambda: _operation(*range(20, 25), begun_s=25, done_s=26)),
        "throughput": ("min > 0/s", lambda: _operation(30, done_s=31)),
        "produce_latency": ("max < 1s", lambda: _operation(30, done_s=33)),
        "freshness_windows": ("max < 5s", lambda: stream().changed("seen", -1, at_ns=27 * SECOND_NS)),
        "freshness_hot": ("max < 5s", lambda: stream().changed("seen", 30, at_ns=40 * SECOND_NS)),
        "hot_write_latency": (
            "max < 1s",
            lambda: {
                "hot_writes": [
                    line.model_copy(update={"duration_us": 5e6}) for line in stream().course["hot_writes"]
                ]
            },
        ),
        "hot_read_latency": ("max < 100ms", lambda: _read("hot_read")),
        "hot_point_read_latency": ("max < 100ms", lambda: _read("hot_point_read")),
        "hot_range_read_latency": ("max < 100ms", lambda: _read("hot_range_read")),
    },
    "lake": {
        "pruning": ("min > 90%", lambda: batch().changed("lake_scans", 0, bytes_read=50)),
        "lake_duration": (
            "max < 10s",
            lambda: batch().changed("lake_tasks", 0, ended_ns=90 * SECOND_NS),
        ),
        "lake_cpu": ("max < 20000s", lambda: batch().changed("lake_tasks", 0, cpu_s=9.0)),
        "lake_bytes": ("max < 100000000", lambda: batch().changed("lake_tasks", 0, bytes_written=50_000)),
    },
    "record_batches": {
        "rate_accuracy": (
            "max < 5%",
            lambda: record_batches().changed(
                "operations", *range(20, 25), started_ns=25 * SECOND_NS, completed_ns=26 * SECOND_NS
            ),
        ),
    },
}
"""By run and check: a limit that the run keeps, and the change that breaks it."""


def _operation(*seconds: int, done_s: float, begun_s: float | None = None) -> Mapping[str, Any]:
    """The sending of these seconds begun or answered at another time."""
    times = {"completed_ns": round(done_s * SECOND_NS) + 10_000_000}
    if begun_s is not None:
        times["started_ns"] = round(begun_s * SECOND_NS)
    return stream().changed("operations", *seconds, **times)


def _read(kind: str) -> Mapping[str, Any]:
    """The first read of a kind, half a second slow."""
    return stream().changed(
        "operations", stream().where("operations", kind=kind), completed_ns=SECOND_NS // 2
    )


def _lagging(seconds: range) -> Mapping[str, Any]:
    """The stream job commits nothing for so long."""
    samples = [
        {**row, "value": row["at_ns"] // SECOND_NS - seconds[0] + 1}
        if row["metric"] == "stream_lag_events" and row["at_ns"] // SECOND_NS in seconds
        else row
        for row in stream().tables["samples"]
    ]
    return {"samples": samples}


BROKEN = [(run, name) for run, plants in LIMITS.items() for name in plants]
PLANTS = [(run, name) for run, plants in SAFETY.items() for name in plants]


def verdicts(of: History) -> dict[str, Verdict]:
    return {finding.name: finding.verdict for finding in judge_history(of, run_id="r").findings}


@pytest.mark.parametrize("run", BASES)
def test_a_run_in_which_all_is_right_passes(run: str) -> None:
    of = BASES[run]().with_()
    findings = judge_history(of, run_id="r").findings
    assert [f for f in findings if f.verdict is not Verdict.PASS] == []
    assert {finding.name for finding in findings} == {
        name for name, check in checks_for(of.scenario).items() if check.default_thresholds
    }


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        pytest.param(name, plant, id=f"{run}-{name}")
        for planted in (SAFETY, MORE)
        for run, plants in planted.items()
        for name, plant in plants.items()
    ],
)
def test_a_planted_fault_turns_its_check_red_and_no_other(name: str, plant: Plant) -> None:
    found = verdicts(plant())
    expected = Verdict.INCONCLUSIVE if name in NEVER_FAIL else Verdict.FAIL
    assert {n: v for n, v in found.items() if v is not Verdict.PASS} == {name: expected}


@pytest.mark.parametrize(("run", "name"), BROKEN)
def test_a_limit_that_is_broken_turns_its_check_red_and_no_other(run: str, name: str) -> None:
    limit, changes = LIMITS[run][name]
    base = BASES[run]()
    kept = base.with_(of=base.limited(name, limit))
    assert {n: v for n, v in verdicts(kept).items() if v is not Verdict.PASS} == {}
    broken = base.with_(of=base.limited(name, limit), **changes())
    expected = Verdict.INCONCLUSIVE if name in OF_THE_LOAD else Verdict.FAIL
    assert {n: v for n, v in verdicts(broken).items() if v is not Verdict.PASS} == {name: expected}


def test_no_check_is_without_a_plant() -> None:
    """A name may have several implementations, each of which must be seen to look."""
    fitting = {run: checks_for(base().scenario) for run, base in BASES.items()}
    planted = {fitting[run][name] for run, name in (*PLANTS, *BROKEN)}
    assert {type(check).__name__ for check in set(IMPLEMENTATIONS) - planted} == set()


@pytest.mark.parametrize(("run", "name"), [*PLANTS, *BROKEN])
def test_a_plant_is_of_the_right_kind(run: str, name: str) -> None:
    """What holds in every scenario turns red by itself, everything else by a limit."""
    check = checks_for(BASES[run]().scenario)[name]
    assert bool(check.default_thresholds) == ((run, name) in PLANTS)
