"""A whole run made up out of nothing: what a minute of load, two faults and their recovery leave behind.

Only tests use it. Nothing in it was measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.base.run_clock import RunClock
from harness.history.latency_log import LatencyLog
from harness.history.plan_schema import PLAN
from harness.history.reader import History
from harness.history.schema import READBACK_HOT_WINDOWS
from harness.history.seal import seal_history
from harness.history.writer import TableWriter, append_jsonl, write_parquet
from harness.oracle.windows import closed_until_ms, derive_windows
from harness.scenario.faults import FaultSpec
from harness.scenario.model import Expectation, Inject, Load
from pipeline.contract.topics import TOPICS
from tests.core.histories import ORIGIN_MS, SECOND_NS, run_info, scenario

Numbers = np.ndarray[Any, Any]

LOAD_S, WARM_UP_S, DONE_S = 60, 8, 72
SPAN_MS = 24 * 3_600_000
SCALE = SPAN_MS / 1000 / LOAD_S
FAULTS = (("kill", "kafka-broker-2", 20, 28), ("kill", "flink-taskmanager-1", 38, 42))
BATCH = 200
NODES = ("kafka-broker-1", "kafka-broker-2", "kafka-broker-3", "flink-jobmanager-1", "flink-taskmanager-1")


def make_run(folder: Path, events: int = 20_000) -> Path:
    """The folder of a run of so many events that goes well."""
    history = folder / "history"
    history.mkdir(parents=True)
    (folder / "logs").mkdir()
    (folder / "scenario.json").write_text(_scenario().model_dump_json())
    run_info(
        time_scale=SCALE,
        scenario="synthetic",
        run_id=folder.name,
        topology_summary="process backend, kafka 3, flink 2",
    ).save(history)
    _course(history)
    plan = _plan(events)
    write_parquet(_table(plan), history / "plan.parquet")
    _operations(history, plan)
    _samples(history, plan)
    _read_back(history, plan)
    _seen(history, plan)
    _windows(folder)
    seal_history(folder)
    return folder


def _scenario() -> Any:
    return scenario(
        Expectation(check="produce_latency", thresholds=("p(99) < 500ms during steady", "p(99) < 15s")),
        Expectation(check="freshness_hot", thresholds=("max < 5s during steady", "max < 30s")),
        Expectation(check="freshness_windows", thresholds=("p(90) < 10s during steady",)),
        Expectation(check="recovery_time", thresholds=("max < 20s",)),
        Expectation(check="hot_write_latency", thresholds=("mean < 12ms",)),
        load=Load(
            trace=Path("flights.yaml"),
            event_span=SPAN_MS / 1000,
            duration=float(LOAD_S),
            inject=Inject(malformed=0.005, duplicate=0.01, late=0.01),
        ),
        faults=tuple(
            FaultSpec(kind=kind, targets=(node,), at=float(at), heal_after=float(heal - at))
            for kind, node, at, heal in FAULTS
        ),
    )


def _course(history: Path) -> None:
    for at_s, phase in (
        (0, "warm_up"),
        (WARM_UP_S, "steady"),
        (20, "fault"),
        (28, "recovery"),
        (38, "fault"),
        (42, "recovery"),
        (60, "drain"),
        (DONE_S, "done"),
    ):
        append_jsonl(history / "phases.jsonl", {"at_ns": at_s * SECOND_NS, "phase": phase})
    for number, (kind, node, inject_s, heal_s) in enumerate(FAULTS):
        for action, at_s in (("inject", inject_s), ("heal", heal_s)):
            line = {"at_ns": at_s * SECOND_NS, "fault": number, "kind": kind, "action": action}
            append_jsonl(history / "faults.jsonl", {**line, "nodes": [node], "ok": True, "detail": ""})
    killed = [(node, inject_s, -9) for _, node, inject_s, _ in FAULTS]
    for node, at_s, code in (*killed, ("load", 61, 0)):
        append_jsonl(history / "ends.jsonl", {"at_ns": at_s * SECOND_NS, "node": node, "exit": code})
    for at_ms in range(0, DONE_S * 1000, 50):
        at = run_info().epoch_unix_ns + at_ms * 1_000_000
        line = {"at_unix_ns": at, "duration_us": 4000.0 + at_ms % 7000, "rows": 40, "table": "recent_events"}
        append_jsonl(history / "hot_writes-1.jsonl", line)


def _plan(events: int) -> dict[str, Any]:
    """A rate that rises and falls over the day; one in a hundred repeated, one in two hundred malformed."""
    rng = np.random.default_rng(7)
    closing = 6
    offsets = np.sort(rng.beta(2.2, 1.8, events) * SPAN_MS).astype(np.int64)
    kinds = rng.choice(["valid", "duplicate", "malformed"], events, p=[0.985, 0.01, 0.005])
    kinds[0] = "valid"
    seq = np.arange(events + closing)
    newest_valid = np.maximum.accumulate(np.where(kinds == "valid", np.arange(events), 0))
    original = np.concatenate([np.where(kinds == "duplicate", newest_valid, np.arange(events)), seq[events:]])
    event_offsets = np.concatenate([offsets, np.full(closing, SPAN_MS + 3_600_000)])[original]
    late = np.concatenate([(kinds == "valid") & (rng.random(events) < 0.01), np.zeros(closing, bool)])[
        original
    ]
    all_kinds = np.concatenate([kinds, np.full(closing, "closing")])
    broken = all_kinds == "malformed"
    value = np.where(rng.random(len(seq)) < 0.03, np.nan, np.round(rng.normal(8, 40, len(seq))))[original]
    return {
        "seq": seq,
        "kind": all_kinds,
        "late": late,
        "original_seq": original,
        "event_offset_ms": np.where(late, np.maximum(event_offsets - 1_800_000, 0), event_offsets),
        "send_offset_ms": np.concatenate([offsets, np.full(closing, SPAN_MS)]),
        "event_id": pa.array(np.char.add("e", original.astype(str)), mask=broken),
        "event_type": pa.array(np.full(len(seq), "departure"), mask=broken),
        "entity_id": pa.array(np.char.add("N", (original * 7919 % 400).astype(str))),
        "category": pa.array(np.array(["UA", "DL", "AA", "WN"])[original % 4], mask=broken),
        "value": pa.array(value, mask=broken | np.isnan(value)),
        "payload": pa.repeat(pa.scalar(b"{}"), len(seq)),
    }


def _table(plan: dict[str, Any]) -> pa.Table:
    """The plan as a table; columns that it does not have are null."""
    nothing = pa.nulls(len(plan["seq"]))
    return pa.table({field.name: plan.get(field.name, nothing) for field in PLAN}).cast(PLAN)


def _due_ns(plan: dict[str, Any]) -> Numbers:
    due: Numbers = (plan["send_offset_ms"] * 1e6 / SCALE).astype(np.int64)
    return due


def _stall_s(at_s: Numbers) -> Numbers:
    """How much longer things take at a moment: seven seconds at a fault, and less and less behind it."""
    stall = np.zeros(len(at_s))
    for _, _, inject_s, _ in FAULTS:
        behind = at_s - inject_s
        stall = np.maximum(stall, np.where((behind >= 0) & (behind < 7), 7 - behind, 0))
    return stall


def _operations(history: Path, plan: dict[str, Any]) -> None:
    due = _due_ns(plan)
    first = np.arange(0, len(due), BATCH)
    last = np.minimum(first + BATCH, len(due)) - 1
    intended = due[first]
    stall = np.where(intended < 30 * SECOND_NS, _stall_s(intended / SECOND_NS), 0.0)
    took = 0.004 + 0.003 * (first % 7) + stall
    with TableWriter(history, "operations", "worker-0") as table:
        table.write(
            {
                "kind": "produce",
                "worker": "worker-0",
                "first_seq": first,
                "last_seq": last,
                "partition": -1,
                "count": last - first + 1,
                "bytes": (last - first + 1) * 231,
                "intended_ns": intended,
                "started_ns": intended + 400_000,
                "completed_ns": intended + (took * SECOND_NS).astype(np.int64),
                "outcome": "ok",
                "error": "",
            }
        )


def _samples(history: Path, plan: dict[str, Any]) -> None:
    due_s = np.sort(_due_ns(plan)) / SECOND_NS
    with TableWriter(history, "samples", "sampler", rows_per_part=400) as table:
        for at_s in range(DONE_S):
            here = np.array([float(at_s)])
            sent = float(np.searchsorted(due_s, at_s, side="right"))
            acknowledged = float(
                np.searchsorted(due_s, at_s - 0.1 - _stall_s(here)[0] * (at_s < 30), side="right")
            )
            behind = 1.0 + at_s % 2 + _stall_s(here)[0]
            consumed = float(np.searchsorted(due_s, min(at_s - behind, DONE_S), side="right"))
            lag = max(acknowledged - consumed, 0.0) if at_s < 64 else 0.0
            values = {
                ("events_sent_total", "worker-0"): sent,
                ("events_acknowledged_total", "worker-0"): acknowledged,
                ("source_end_offset", "events"): acknowledged,
                ("stream_lag_events", "events"): lag,
                ("hot_lag_events", "events_valid"): 0.3 * lag,
                ("hot_lag_events", "window_results"): 0.02 * lag,
                ("job_running", ""): float(not 39 <= at_s < 44),
                ("checkpoints_completed_total", ""): at_s // 2,
            }
            for number, node in enumerate(NODES):
                values["node_cpu_seconds_total", node] = at_s * 0.2 * (1 + 0.3 * number)
                if not (node == "kafka-broker-2" and 20 <= at_s < 28):
                    values["node_memory_bytes", node] = (600 + 90 * number + at_s) * 2**20
            for (metric, label), value in values.items():
                table.add(at_ns=at_s * SECOND_NS, metric=metric, label=label, value=float(value))
        for topic in ("events", "events_valid", "window_results"):
            table.add(at_ns=65 * SECOND_NS, metric="undrained_events", label=topic, value=0.0)
        table.add(at_ns=65 * SECOND_NS, metric="drain_complete", label="", value=1.0)
        for topic in TOPICS:
            for metric in ("topic_replication_factor", "topic_min_insync_replicas"):
                table.add(at_ns=65 * SECOND_NS, metric=metric, label=topic, value=1.0)


def _read_back(history: Path, plan: dict[str, Any]) -> None:
    partition = plan["original_seq"] % 6
    valid = np.isin(plan["kind"], ["valid", "closing"])
    broken, late = plan["kind"] == "malformed", valid & _late(plan, partition)
    offset = np.zeros(len(partition), np.int64)
    for number in range(6):
        offset[partition == number] = np.arange((partition == number).sum())
    event_time = ORIGIN_MS + plan["event_offset_ms"]
    with TableWriter(history, "readback_events", "read-back") as table:
        for topic, chosen in (("events", slice(None)), ("events_valid", valid), ("events_late", late)):
            table.write(
                {
                    "topic": topic,
                    "partition": partition[chosen],
                    "offset": offset[chosen],
                    "event_time_ms": event_time[chosen],
                    "seq": plan["original_seq"][chosen],
                    "sent_as": plan["original_seq"][chosen],
                    "key_kept": pa.repeat(True, len(partition[chosen])),
                }
            )
        table.write(
            {
                "topic": "events_dead_letter",
                "partition": partition[broken],
                "offset": offset[broken],
                "event_time_ms": event_time[broken],
                "seq": plan["seq"][broken],
                "sent_as": plan["seq"][broken],
                "key_kept": pa.repeat(True, int(broken.sum())),
                "headers": "reason,source_offset,source_partition,source_topic",
                "reason": "missing:event_id",
                "source_topic": "events",
                "source_partition": partition[broken],
                "source_offset": offset[broken],
            }
        )
    with TableWriter(history, "readback_hot_events", "read-back") as table:
        rows = _table(plan).filter(pa.array(valid))
        names = (
            "event_id",
            "event_type",
            "entity_id",
            "category",
            "reference_id",
            "value",
            "quantity",
            "attributes",
        )
        table.write({**{name: rows[name] for name in names}, "event_time_ms": event_time[valid]})


def _late(plan: dict[str, Any], partition: Numbers) -> Numbers:
    """What its partition's clock, a minute behind the newest valid event, had left five minutes behind."""
    late = np.zeros(len(partition), bool)
    times = np.where(plan["kind"] == "malformed", -1, plan["event_offset_ms"])
    for number in range(6):
        here = np.flatnonzero(partition == number)
        newest = np.concatenate([[-1], np.maximum.accumulate(times[here])[:-1]])
        late[here] = times[here] // 300_000 * 300_000 + 300_000 <= newest - 60_000
    return late


def _seen(history: Path, plan: dict[str, Any]) -> None:
    due = _due_ns(plan)
    chosen = np.flatnonzero(plan["kind"] == "valid")[::50]
    fresh_s = 1.2 + (chosen % 13) / 10 + _stall_s(due[chosen] / SECOND_NS)
    events = _table(plan).take(pa.array(chosen))
    ends_ms = np.arange(300_000, SPAN_MS, 1_200_000)
    ends_s = ends_ms / 1000 / SCALE
    windows_s = ends_s + 2.0 + ends_ms // 300_000 % 5 / 4 + _stall_s(ends_s)
    looks = np.arange(0, DONE_S * SECOND_NS, SECOND_NS // 4)
    with TableWriter(history, "operations", "prober-0") as table:
        table.write(
            {
                "kind": "hot_read",
                "worker": "prober-0",
                "first_seq": -1,
                "last_seq": -1,
                "partition": -1,
                "count": 1,
                "bytes": 0,
                "intended_ns": looks,
                "started_ns": looks,
                "completed_ns": looks + 4_000_000,
                "outcome": "ok",
                "error": "",
            }
        )
    log = LatencyLog(
        history, "worker-0", RunClock(epoch_unix_ns=0, epoch_monotonic_ns=0, monotonic_ns=lambda: 0)
    )
    for number in range(2000):
        service_ms = 5 + number % 7 + (7000 if number % 200 == 0 else 0)
        for part, ms in (("wait", 2), ("service", service_ms), ("response", service_ms + 2)):
            log.record(f"produce.{part}", ms * 1_000_000, 1)
    log.close()
    half_seconds = np.arange(0, 2 * DONE_S) * SECOND_NS // 2
    with TableWriter(history, "generator", "worker-0") as table:
        table.write(
            {
                "at_ns": half_seconds,
                "worker": "worker-0",
                "late_ms": 11.0 + half_seconds % 7,
                "blocked_ms": 0.0,
                "cpu_share": 0.3,
            }
        )
    with TableWriter(history, "sought", "prober-0") as table:
        table.write(
            {
                "store": "hot_events",
                "key": events["entity_id"],
                "event_id": events["event_id"],
                "event_time_ms": ORIGIN_MS + plan["event_offset_ms"][chosen],
                "window_kind": "",
                "send_ns": due[chosen],
            }
        )
    with TableWriter(history, "seen", "prober") as table:
        table.write(
            {
                "at_ns": due[chosen] + (fresh_s * SECOND_NS).astype(np.int64),
                "store": "hot_events",
                "key": events["entity_id"],
                "event_id": events["event_id"],
                "event_time_ms": ORIGIN_MS + plan["event_offset_ms"][chosen],
                "window_kind": "",
                "window_start_ms": 0,
            }
        )
        table.write(
            {
                "at_ns": (windows_s * SECOND_NS).astype(np.int64),
                "store": "hot_windows",
                "key": "UA",
                "event_id": "",
                "event_time_ms": ORIGIN_MS + ends_ms,
                "window_kind": "tumbling",
                "window_start_ms": ORIGIN_MS + ends_ms - 300_000,
            }
        )


def _windows(folder: Path) -> None:
    """The right results: what the checks make of wrong ones is tested with literal histories."""
    read = History.open(folder)
    derive_windows(read)
    results = read.query(
        "SELECT * FROM oracle_windows WHERE window_end_ms <= $until",
        {"until": closed_until_ms(read)},
    )
    columns = {name: results[name] for name in READBACK_HOT_WINDOWS.names}
    with TableWriter(folder / "history", "readback_hot_windows", "read-back") as table:
        table.write(columns)
    with TableWriter(folder / "history", "readback_windows", "read-back") as table:
        table.write({"partition": 0, "offset": np.arange(results.num_rows), **columns})
