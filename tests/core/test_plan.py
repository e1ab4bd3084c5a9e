"""The invariants of a plan, for any trace and any mixture."""

from __future__ import annotations

import csv
import itertools
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.base.errors import InvalidInput, RunError
from harness.history.plan_schema import PLAN
from harness.load.murmur2 import murmur2, partition_of
from harness.load.plan import arranged, mixing
from harness.load.plan.cached import build_plan
from harness.load.plan.closing import Closing, entities_for
from harness.load.plan.damage import DAMAGES
from harness.load.plan.event_size import sent_bytes
from harness.load.plan.file import PlanFile
from harness.scenario.model import Inject, Load, Scenario
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.ramp import Ramp
from tests.core.contract_judge import FIELDS, keeps_contract
from tests.core.scenario_parts import RIDES, rides

HEADER = ["ride", "started", "station", "bike", "city", "minutes", "metres", "note"]
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)
filled = texts.filter(lambda text: text != "")
rows = st.fixed_dictionaries(
    {
        "started": st.integers(0, 10**9),
        "station": filled,
        "bike": texts,
        "city": filled,
        "minutes": st.just("") | st.floats(allow_nan=False, allow_infinity=False).map(repr),
        "metres": st.just("") | st.integers(0, 2**63 - 1).map(str),
        "note": texts,
    }
)
shares = st.sampled_from([0.0, 0.1, 0.5, 1.0])
injects = st.builds(
    Inject,
    malformed=shares,
    duplicate=shares,
    late=shares,
    late_by=st.sampled_from([0.0, 1.0, 900.0]),
    boundary=shares,
    conflict=shares,
)
seeds = st.integers(0, 2**32 - 1)


def quiet(message: str) -> None:
    """Takes progress and shows none."""


@contextmanager
def planned(
    trace: list[dict[str, Any]], inject: Inject, seed: int = 1, **load: Any
) -> Iterator[tuple[PlanFile, list[dict[str, Any]]]]:
    with tempfile.TemporaryDirectory() as name:
        plan = build_plan(
            scenario_of(Path(name), trace, inject, seed, **load), cache=Path(name), report=quiet
        )
        yield plan, pq.read_table(plan.path).to_pylist()


def scenario_of(
    folder: Path, trace: list[dict[str, Any]], inject: Inject, seed: int, **load: Any
) -> Scenario:
    with (folder / "rides.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows({"ride": f"r{n}", **row} for n, row in enumerate(trace))
    mapping = (RIDES.parent / "traces" / "rides.yaml").read_text()
    (folder / "m.yaml").write_text(mapping.replace("timezone: Europe/Berlin", "format: epoch_ms"))
    scenario = rides(seed=seed)
    times = {"event_span": 3600.0, "duration": 30.0, **load}
    return scenario.model_copy(update={"load": Load(trace=folder / "m.yaml", inject=inject, **times)})


def test_a_plan_knows_its_largest_event() -> None:
    wide = [*some_rows(2), {**some_rows(1)[0], "started": 9000, "note": "n" * 5000}]
    with planned(wide, Inject()) as (plan, rows):
        sizes = [sent_bytes(len(row["entity_id"].encode()), len(row["payload"])) for row in rows]
        assert plan.largest_event_bytes == max(sizes) > 5000
        assert PlanFile.open(plan.path) == plan


def test_a_plan_that_was_recorded_with_facts_of_then_is_still_read(tmp_path: Path) -> None:
    facts = {"key": "k", "counts": {}, "span_ms": 7, "last_send_ms": 6, "close_ms": 5, "trace_events": 0}
    table = PLAN.empty_table().replace_schema_metadata({"floodmark": json.dumps(facts)})
    pq.write_table(table, tmp_path / "plan.parquet")
    found = PlanFile.open(tmp_path / "plan.parquet")
    assert (found.key, found.events, found.span_ms, found.last_send_ms) == ("k", 0, 7, 6)


def some_rows(count: int) -> list[dict[str, Any]]:
    names = {"station": "s", "bike": "b", "city": "c", "minutes": "1.5", "metres": "3", "note": "n"}
    return [{"started": 1000 * n, **names} for n in range(count)]


# A plan costs about a tenth of a second, so each example is looked at from every side.
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows, min_size=1, max_size=12), injects, seeds)
def test_invariants_of_a_plan(trace: list[dict[str, Any]], inject: Inject, seed: int) -> None:
    with planned(trace, inject, seed) as (plan, events):
        _is_in_order(events)
        _holds_every_event_of_the_trace_once(trace, events)
        _mixes_in_the_shares(trace, inject, plan, events)
        _sends_some_about_when_their_window_closes(trace, inject, events)
        _contradicts_originals(events)
        _repeats_originals(events)
        _gives_each_event_an_identity(events)
        _judges_by_the_contract(events)
        _says_in_json_what_it_says_in_columns(events)
        _closes_every_partition(plan, events)


def _is_in_order(events: list[dict[str, Any]]) -> None:
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert all(a["send_offset_ms"] <= b["send_offset_ms"] for a, b in itertools.pairwise(events))
    assert all(e["event_offset_ms"] <= e["send_offset_ms"] for e in events if e["kind"] != "closing")


def _holds_every_event_of_the_trace_once(trace: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    valid = [event for event in events if event["kind"] == "valid"]
    assert sorted(event["event_id"] for event in valid) == sorted(f"r{n}" for n in range(len(trace)))
    for event in valid:
        row = trace[int(event["event_id"][1:])]
        assert event["entity_id"] == f"station-{row['station']}"
        assert event["category"] == row["city"]
        assert event["reference_id"] == (row["bike"] or None)
        assert event["value"] == (float(row["minutes"]) if row["minutes"] else None)
        assert event["quantity"] == (int(row["metres"]) if row["metres"] else None)
        carried = {"city": row["city"], **({"note": row["note"]} if row["note"] else {})}
        assert json.loads(event["attributes"]) == carried
        assert list(json.loads(event["attributes"])) == sorted(carried)


def _mixes_in_the_shares(
    trace: list[dict[str, Any]], inject: Inject, plan: PlanFile, events: list[dict[str, Any]]
) -> None:
    kinds = Counter(event["kind"] for event in events)
    late = [event for event in events if event["late"] and event["kind"] == "valid"]
    assert kinds["malformed"] == round(inject.malformed * len(trace))
    assert kinds["duplicate"] == round(inject.duplicate * len(trace))
    assert kinds["conflict"] == round(inject.conflict * len(trace))
    assert len(late) == round(inject.late * len(trace))
    assert all(e["send_offset_ms"] == e["event_offset_ms"] + round(inject.late_by * 1000) for e in late)
    assert dict(plan.counts) == {
        "valid": len(trace),
        "duplicate": kinds["duplicate"],
        "conflict": kinds["conflict"],
        "malformed": kinds["malformed"],
        "closing": kinds["closing"],
        "late": len(late),
    }
    assert plan.events == len(events)


def _sends_some_about_when_their_window_closes(
    trace: list[dict[str, Any]], inject: Inject, events: list[dict[str, Any]]
) -> None:
    """Within twice the allowed disorder after the window's end, which is half a minute here."""
    valid = [event for event in events if event["kind"] == "valid" and not event["late"]]
    delayed = [event for event in valid if event["send_offset_ms"] != event["event_offset_ms"]]
    assert len(delayed) == min(round(inject.boundary * len(trace)), len(valid))
    for event in delayed:
        window_end_ms = event["event_offset_ms"] // 300_000 * 300_000 + 300_000
        assert 0 <= event["send_offset_ms"] - window_end_ms < 60_000


def _contradicts_originals(events: list[dict[str, Any]]) -> None:
    """A conflict has all of a valid event but its value, and comes after it."""
    own = {"seq", "kind", "original_seq", "send_offset_ms", "value", "payload"}
    valid = {(e["event_id"], e["event_offset_ms"]): e for e in events if e["kind"] == "valid"}
    for event in events:
        if event["kind"] == "conflict":
            original = valid[event["event_id"], event["event_offset_ms"]]
            assert event["original_seq"] == original["seq"] < event["seq"]
            assert all(event[name] == original[name] for name in event if name not in own)
            assert event["value"] != original["value"]


def _repeats_originals(events: list[dict[str, Any]]) -> None:
    own = {"seq", "kind", "original_seq", "send_offset_ms"}
    for event in events:
        original = events[event["original_seq"]]
        if event["kind"] == "duplicate":
            assert original["kind"] == "valid"
            assert original["seq"] < event["seq"]
            assert all(event[name] == original[name] for name in event if name not in own)
        elif event["kind"] != "conflict":
            assert original is event


def _gives_each_event_an_identity(events: list[dict[str, Any]]) -> None:
    originals = [event for event in events if event["kind"] in ("valid", "closing")]
    assert len({(e["event_id"], e["event_offset_ms"]) for e in originals}) == len(originals)


def _judges_by_the_contract(events: list[dict[str, Any]]) -> None:
    for event in events:
        assert keeps_contract(event["payload"]) == (event["kind"] != "malformed"), event["payload"]
        assert (event["fault"] in DAMAGES) == (event["kind"] == "malformed")
    broken = [event["payload"] for event in events if event["kind"] == "malformed"]
    assert len(set(broken)) == len(broken)
    assert all(event["event_id"] is None for event in events if event["kind"] == "malformed")


def _says_in_json_what_it_says_in_columns(events: list[dict[str, Any]]) -> None:
    for event in events:
        if event["kind"] != "malformed":
            said = json.loads(event["payload"])
            assert list(said) == FIELDS
            attributes = json.loads(event["attributes"]) if event["attributes"] else None
            assert said == {**{name: event[name] for name in FIELDS}, "attributes": attributes}


def _closes_every_partition(plan: PlanFile, events: list[dict[str, Any]]) -> None:
    closing = [event for event in events if event["kind"] == "closing"]
    assert [event["kind"] for event in events[-len(closing) :]] == ["closing"] * len(closing)
    newest = {partition_of(e["entity_id"], 3): e["event_offset_ms"] for e in closing}
    assert set(newest) == {0, 1, 2}
    others = [event for event in events if event["kind"] != "closing"]
    last_event = max(event["event_offset_ms"] for event in others)
    watermark_ms = min(newest.values()) - 30_000 - 1_000  # half a minute out of order, and a second of lag
    assert watermark_ms >= last_event + 30 * 60_000
    assert min(e["send_offset_ms"] for e in closing) > max(e["send_offset_ms"] for e in others)
    assert plan.span_ms == max(event["event_offset_ms"] for event in events)
    assert plan.last_send_ms == events[-1]["send_offset_ms"]


@settings(max_examples=2, deadline=None)
@given(injects, seeds)
def test_the_same_seed_gives_the_same_plan(inject: Inject, seed: int) -> None:
    with (
        planned(some_rows(50), inject, seed) as (_, first),
        planned(some_rows(50), inject, seed) as (_, again),
    ):
        assert first == again


def test_another_seed_gives_another_plan() -> None:
    inject = Inject(malformed=0.5, duplicate=0.5, late=0.2, boundary=0.2, conflict=0.5)
    with planned(some_rows(50), inject, 1) as (_, first), planned(some_rows(50), inject, 2) as (_, other):
        assert first != other


def test_every_kind_of_damage_breaks_the_contract_in_every_way_that_it_has() -> None:
    with planned(some_rows(2000), Inject(malformed=1.0)) as (_, events):
        damaged = [event for event in events if event["kind"] == "malformed"]
    assert Counter(event["fault"] for event in damaged) == dict.fromkeys(DAMAGES, 250)
    assert [event["payload"] for event in damaged if keeps_contract(event["payload"])] == []


def test_half_of_the_duplicates_come_at_once_and_the_rest_within_minutes() -> None:
    with planned(some_rows(100), Inject(duplicate=1.0), event_span=86400.0, duration=60.0) as (_, events):
        delays = [
            event["send_offset_ms"] - events[event["original_seq"]]["send_offset_ms"]
            for event in events
            if event["kind"] == "duplicate"
        ]
    assert sum(delay == 0 for delay in delays) in range(50, 53)
    assert 300_000 < max(delays) <= 600_000


def test_a_plan_has_the_schema_that_it_promises() -> None:
    with planned(some_rows(3), Inject()) as (plan, _):
        assert pq.read_schema(plan.path).equals(PLAN)


def test_a_cached_plan_is_not_built_again(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, some_rows(3), Inject(), 1)
    first = build_plan(scenario, cache=tmp_path, report=quiet)
    built_ns = first.path.stat().st_mtime_ns
    assert build_plan(scenario, cache=tmp_path, report=quiet) == first
    assert first.path.stat().st_mtime_ns == built_ns
    assert not list((tmp_path / "plans").glob(".building-*"))


@pytest.mark.parametrize("change", ["trace", "mapping", "seed", "inject"])
def test_whatever_matters_changes_the_key(tmp_path: Path, change: str) -> None:
    scenario = scenario_of(tmp_path, some_rows(3), Inject(), 1)
    key = build_plan(scenario, cache=tmp_path, report=quiet).key
    if change == "trace":
        scenario = scenario_of(tmp_path, some_rows(4), Inject(), 1)
    elif change == "mapping":
        (tmp_path / "m.yaml").write_text((tmp_path / "m.yaml").read_text().replace("station-", "stop-"))
    elif change == "seed":
        scenario = scenario.model_copy(update={"seed": 2})
    else:
        scenario = scenario_of(tmp_path, some_rows(3), Inject(duplicate=1.0), 1)
    assert build_plan(scenario, cache=tmp_path, report=quiet).key != key


def test_what_a_killed_run_left_half_built_is_removed(tmp_path: Path) -> None:
    left_over = tmp_path / "plans" / ".building-x"
    left_over.mkdir(parents=True)
    build_plan(scenario_of(tmp_path, some_rows(3), Inject(), 1), cache=tmp_path, report=quiet)
    assert not left_over.exists()


@pytest.mark.parametrize(
    ("key", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
     ("a-little-bit-longer-string", -1486304829), ("abc", 479470107)],
)  # fmt: skip
def test_keys_are_hashed_as_kafka_does(key: str, hashed: int) -> None:
    assert murmur2(key.encode()) == hashed % 2**32


@given(st.integers(1, 200))
def test_there_is_a_closing_entity_for_every_partition(partitions: int) -> None:
    assert [partition_of(e, partitions) for e in entities_for(partitions)] == list(range(partitions))


@given(st.integers(0, 10**9), st.integers(0, 10**7))
def test_no_window_of_a_closing_event_closes(last_ms: int, out_of_orderness_ms: int) -> None:
    closing = Closing(
        last_event_ms=last_ms,
        last_send_ms=last_ms,
        pause_ms=1,
        out_of_orderness_ms=out_of_orderness_ms,
        partitions=1,
    )
    assert closing.second_ms - out_of_orderness_ms - 1_000 < closing.first_ms


def test_of_a_long_trace_the_earliest_events_are_taken() -> None:
    trace = list(reversed(some_rows(100)))
    with planned(trace, Inject(), events=10) as (_, events):
        taken = [event for event in events if event["kind"] == "valid"]
    assert [event["event_id"] for event in taken] == [f"r{n}" for n in range(99, 89, -1)]
    assert (taken[0]["event_offset_ms"], taken[-1]["event_offset_ms"]) == (0, 3_600_000)


def test_late_events_are_sent_before_the_trace_ends_where_there_are_enough() -> None:
    with planned(some_rows(100), Inject(late=0.4, late_by=1800.0)) as (_, events):
        others = [event["send_offset_ms"] for event in events if event["kind"] == "valid"]
    assert max(others) == 3_600_000


def valid_events(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["kind"] == "valid"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 40),
    st.builds(Ramp, start=st.floats(0.1, 5), end=st.floats(0.1, 5)),
    st.sampled_from(["even", "poisson"]),
    injects,
    seeds,
)
def test_invariants_of_a_plan_by_a_profile(
    count: int, profile: Ramp, arrivals: str, inject: Inject, seed: int
) -> None:
    with planned(some_rows(count), inject, seed, profile=profile, arrivals=arrivals) as (plan, events):
        _is_in_order(events)
        _repeats_originals(events)
        _gives_each_event_an_identity(events)
        _says_in_json_what_it_says_in_columns(events)
        _closes_every_partition(plan, events)
        by_arrival = sorted(valid_events(events), key=lambda event: event["event_offset_ms"])
        assert len(by_arrival) == round((profile.start + profile.end) / 2 * 30)
        assert 0 <= by_arrival[0]["event_offset_ms"] <= by_arrival[-1]["event_offset_ms"] <= 3_600_000
        trace = itertools.cycle(f"r{n}" for n in range(min(count, len(by_arrival))))
        assert [event["event_id"] for event in by_arrival] == list(itertools.islice(trace, len(by_arrival)))


def test_the_events_of_a_profile_are_the_traces_in_the_order_of_their_times() -> None:
    trace = list(reversed(some_rows(5)))
    with planned(trace, Inject(), profile=Constant(rate=0.2)) as (_, events):
        assert [event["event_id"] for event in valid_events(events)] == [
            *("r4", "r3", "r2", "r1", "r0"),
            "r4",
        ]


def test_an_even_arrival_comes_when_the_integral_is_half_an_event_further() -> None:
    with planned(some_rows(5), Inject(), profile=Constant(rate=0.1)) as (_, events):
        offsets_ms = [event["event_offset_ms"] for event in valid_events(events)]
    assert offsets_ms == [600_000, 1_800_000, 3_000_000]


def test_repetitions_that_would_share_an_identity_are_refused() -> None:
    found = r"load.profile: found 30,000 events that repeat .* such as r0; the trace is sent 60,000 times"
    with (
        pytest.raises(InvalidInput, match=found),
        planned(some_rows(1), Inject(), profile=Constant(rate=2000), event_span=30.0),
    ):
        pass


@pytest.mark.parametrize(
    "change", [{"profile": Constant(rate=2)}, {"arrivals": "poisson"}], ids=["profile", "arrivals"]
)
def test_another_profile_and_other_arrivals_change_the_key(tmp_path: Path, change: dict[str, Any]) -> None:
    profiled = {"profile": Constant(rate=1)}
    keys = {
        build_plan(scenario_of(tmp_path, some_rows(3), Inject(), 1, **load), cache=tmp_path, report=quiet).key
        for load in (profiled, {**profiled, **change})
    }
    assert len(keys) == 2


def late_events(events: list[dict[str, Any]], out_of_orderness_s: float) -> set[str]:
    """What a stream job with this setting holds for late, of events in one partition."""
    late, newest_ms = set(), 0
    for event in valid_events(events):
        window_end_ms = event["event_offset_ms"] // 300_000 * 300_000 + 300_000
        if window_end_ms <= newest_ms - out_of_orderness_s * 1000:
            late.add(event["event_id"])
        newest_ms = max(newest_ms, event["event_offset_ms"])
    return late


@pytest.mark.parametrize("out_of_orderness_s", [0, 15, 27, 33, 45, 60])
def test_events_at_the_boundary_tell_another_out_of_orderness(out_of_orderness_s: float) -> None:
    long_after = Inject(late=0.02, late_by=3600.0)
    with planned(some_rows(3000), long_after, event_span=7200.0, duration=60.0) as (_, events):
        assert late_events(events, out_of_orderness_s) == late_events(events, 30)
    at_boundary = Inject(late=0.02, late_by=3600.0, boundary=0.05)
    with planned(some_rows(3000), at_boundary, event_span=7200.0, duration=60.0) as (_, events):
        assert late_events(events, out_of_orderness_s) != late_events(events, 30)


@pytest.mark.parametrize(
    ("sabotage", "told"),
    [
        (
            ("FROM trace t LEFT", "FROM (FROM trace WHERE row >= 4) t LEFT"),
            r"has 46 of the trace's 50 events",
        ),
        (
            ("t.offset_ms AS event_offset_ms", "t.offset_ms + 1 AS event_offset_ms"),
            r"events differ from those of",
        ),
    ],
    ids=["dropped", "moved"],
)
def test_a_plan_that_is_not_its_trace_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sabotage: tuple[str, str], told: str
) -> None:
    originals = mixing._originals
    monkeypatch.setattr(mixing, "_originals", lambda mix: originals(mix).replace(*sabotage))
    with pytest.raises(RunError, match=f"{told}.*a bug in Floodmark"):
        build_plan(scenario_of(tmp_path, some_rows(50), Inject(), 1), cache=tmp_path, report=quiet)
    assert list((tmp_path / "plans").glob("*.parquet")) == []


def test_an_event_that_a_profile_left_out_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranged, "_ARRANGED", arranged._ARRANGED + " WHERE a.number <> 7")
    scenario = scenario_of(tmp_path, some_rows(5), Inject(), 1, profile=Constant(rate=1))
    with pytest.raises(RunError, match="has 29 of the trace's 30 events"):
        build_plan(scenario, cache=tmp_path, report=quiet)


def test_a_cached_plan_that_has_lost_events_is_refused(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, some_rows(50), Inject(), 1)
    plan = build_plan(scenario, cache=tmp_path, report=quiet)
    events = pq.read_table(plan.path)
    with pq.ParquetWriter(plan.path, events.schema) as writer:
        writer.write_table(events.slice(4))
        writer.add_key_value_metadata(plan.facts())
    with pytest.raises(RunError, match=r"has 46 of the trace's 50 events, and 52 of 56 sendings: .*; remove"):
        build_plan(scenario, cache=tmp_path, report=quiet)
