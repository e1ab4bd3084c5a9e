"""The bench of profiles tells how far a load was off its profile, and draws both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from harness.history.parquet_parts import without_dictionaries
from harness.history.schema import OPERATIONS
from harness.load.plan.file import PlanFile
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.registry import PROFILES, AnyProfile
from harness.scenario.profiles.trace import TraceProfile
from tests.bench.profile_accuracy import Sendings, accuracy
from tests.bench.profile_load import sendings
from tests.bench.profile_plot import Panel, draw
from tests.bench.profiles import DURATION_S, Result, profiles, rows, scenario_of
from tests.core.events_parts import plan_row, write_plan
from tests.core.histories import SECOND_NS, sent

RATE = 100
START_NS = 5 * SECOND_NS


def load(**changes: Any) -> Sendings:
    """A hundred events a second, each sent and acknowledged when it is due."""
    due_s = (np.arange(RATE * DURATION_S) + 0.5) / RATE
    ones, zeros = np.ones(len(due_s)), np.zeros(len(due_s))
    facts = {"due_s": due_s, "sent_s": due_s, "completed_s": due_s, "late_ms": zeros, "events": ones}
    return Sendings(duration_s=DURATION_S, **{**facts, "acknowledged": ones, **changes})


def plan(folder: Path, rows: list[dict[str, Any]]) -> PlanFile:
    path = write_plan(folder / "plan.parquet", rows)
    counts = {"closing": sum(row["kind"] == "closing" for row in rows)}
    return PlanFile(path=path, key="k", events=len(rows), counts=counts, span_ms=1, last_send_ms=1)


def operations(*recorded: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(recorded), schema=without_dictionaries(OPERATIONS))


def test_every_kind_of_profile_is_sent_and_fits_its_time() -> None:
    assert [profile.kind for profile in profiles(1.0)] == list(PROFILES)
    assert [rule for profile in profiles(1.0) for rule in profile.broken_rules(DURATION_S)] == []


def test_a_load_that_is_sent_when_it_is_due_is_off_by_nothing() -> None:
    found = accuracy(load())
    assert (found.worst_10s_percent, found.worst_1s_percent, found.late_p99_ms) == (0, 0, 0)
    assert (found.due, found.acknowledged) == (RATE * DURATION_S, RATE * DURATION_S)


def test_the_worst_window_is_found_wherever_it_begins() -> None:
    on_time = load().sent_s
    held_up = np.where((on_time > 4.5) & (on_time < 5), 12.0, on_time)
    found = accuracy(load(sent_s=held_up))
    assert (found.worst_10s_percent, found.worst_1s_percent) == pytest.approx((5, 50))


def test_what_was_refused_was_sent_all_the_same() -> None:
    found = accuracy(load(acknowledged=np.zeros(len(load().events))))
    assert (found.worst_10s_percent, found.acknowledged) == (0, 0)


def test_lateness_counts_once_an_event() -> None:
    few = {"due_s": np.array([1.0]), "sent_s": np.array([1.0, 2.0]), "completed_s": np.array([1.0, 2.0])}
    operations = {"late_ms": np.array([3.0, 70.0]), "acknowledged": np.array([0, 0])}
    assert accuracy(load(**few, **operations, events=np.array([99, 1]))).late_p99_ms == 3
    assert accuracy(load(**few, **operations, events=np.array([98, 2]))).late_p99_ms == 70


def test_event_by_event_the_plan_says_what_is_due_and_the_closing_events_are_no_part_of_it(
    tmp_path: Path,
) -> None:
    made = [plan_row(seq, send_offset_ms=seq * 60_000) for seq in range(2)]
    made.append(plan_row(2, kind="closing", send_offset_ms=1_300_000))
    times: dict[str, Any] = {
        "intended_ns": START_NS,
        "started_ns": START_NS + 10**6,
        "completed_ns": START_NS + 10**7,
    }
    recorded = operations(sent(0, 1, **times), sent(2, 2, **times))
    found = sendings(scenario_of(TraceProfile(), "events"), plan(tmp_path, made), recorded, START_NS)
    assert found.due_s.tolist() == [0, 1]
    assert (found.sent_s.tolist(), found.completed_s.tolist()) == ([0.001], [0.01])
    assert (found.events.tolist(), found.late_ms.tolist()) == ([2], [1])


def test_in_whole_batches_the_profile_says_what_is_due(tmp_path: Path) -> None:
    scenario = scenario_of(Constant(rate=2.0), "record_batches")
    unknown = sent(0, 9, "unknown", started_ns=START_NS)
    found = sendings(scenario, plan(tmp_path, [plan_row(0)] * 40), operations(unknown), START_NS)
    assert found.due_s.tolist() == pytest.approx([n / 2 + 0.25 for n in range(40)])
    assert (found.events.tolist(), found.acknowledged.tolist()) == ([10], [0])


def panel(profile: AnyProfile) -> Panel:
    return Panel(curve=profile.curve(DURATION_S), load=load(), accuracy=accuracy(load()))


def test_each_profile_has_its_panels_and_a_word_where_there_is_none(tmp_path: Path) -> None:
    results = [Result(profile=p.kind, path="events", panel=panel(p)) for p in profiles(1.0)]
    results.append(Result(profile="constant", path="record_batches", panel=panel(Constant(rate=RATE))))
    drawn = tmp_path / "out" / "profiles.svg"
    draw(rows(results), ("events", "record_batches"), [drawn])
    text = drawn.read_text()
    assert all(kind.replace("_", " ") in text for kind in PROFILES)
    assert text.count("worst 10 s") == len(results)
    assert text.count("no gaps") == len(PROFILES) - 1
