"""Literal histories: rows in which only what matters is written, the rest being what a healthy run has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.history.course import EndLine, FaultLine, HotWriteLine, PhaseLine
from harness.history.process_clocks import ClockLine
from harness.history.reader import SCHEMAS, History
from harness.history.run_info import RunInfo
from harness.judge.measure.evidence import Evidence
from harness.judge.registry import IMPLEMENTATIONS
from harness.scenario.model import Expectation, Load, Scenario
from harness.scenario.topology import RoleSpec, Topology

Rows = Sequence[Mapping[str, object]]

RECORD_BATCH_CHECKS = [check for check in IMPLEMENTATIONS if "readback_record_batches" in check.needs]
"""The checks of a source topic that is read back batch by batch."""
ORIGIN_MS = 1_000_000 * 300_000
"""Where the event clock starts: on the border of windows of five minutes."""
SECOND_NS = 10**9
PHASES = (PhaseLine(at_ns=0, phase="steady"), PhaseLine(at_ns=60 * SECOND_NS, phase="drain"))


def evidence(events: int) -> Evidence:
    """That of ``run_info``'s run, in which so many events were acknowledged."""
    return Evidence(kind="measured", backend="process", scale=f"kafka 1, {events} events")


def scenario(*expect: Expectation, **fields: Any) -> Scenario:
    kafka = {"broker": RoleSpec(count=1, memory=2**28)}
    given: dict[str, Any] = {
        "name": "literal",
        "description": "A history of a few lines.",
        "seed": 7,
        "topology": Topology(name="one", zones=("a",), services={"kafka": kafka}),
        "load": Load(trace=Path("trace.yaml"), event_span=3600.0, duration=60.0),
    }
    return Scenario(expect=expect, **{**given, **fields})


def run_info(ended: str = "complete", **fields: Any) -> RunInfo:
    facts: dict[str, Any] = {
        "run_id": "2026-01-01--1",
        "scenario": "literal",
        "seed": 7,
        "commit": "abc1234",
        "started_at": "2026-01-01T00:00:00Z",
        "command": "floodmark run literal.yaml --seed 7",
        "backend": "process",
        "epoch_unix_ns": 1_767_225_600 * SECOND_NS,
        "epoch_monotonic_ns": 0,
        "load_start_ns": 0,
        "origin_ms": ORIGIN_MS,
        "time_scale": 60.0,
        "topology_summary": "process backend, kafka 1",
        "machine": {},
        "versions": {},
        "ended": ended,
    }
    return RunInfo(**{**facts, **fields})


def event(seq: int, minute: float, **fields: object) -> dict[str, object]:
    """An event of the plan, ``minute`` minutes after the event clock's origin."""
    offset_ms = round(minute * 60_000)
    return {
        "seq": seq,
        "kind": "valid",
        "late": False,
        "original_seq": seq,
        "event_offset_ms": offset_ms,
        "send_offset_ms": offset_ms,
        "event_id": f"e{seq}",
        "event_type": "departure",
        "entity_id": "N1",
        "category": "UA",
        "value": 1.0,
        "payload": b"{}",
        **fields,
    }


def closing(seq: int, minute: float = 1000.0) -> dict[str, object]:
    """An event that closes every window that ends a minute before it."""
    return event(seq, minute, kind="closing", entity_id="closing", category="closing")


def malformed(seq: int, minute: float = 0.0) -> dict[str, object]:
    return event(seq, minute, kind="malformed", event_id=None, entity_id=None, category=None, value=None)


def sent(first: int, last: int, outcome: str = "ok", **fields: object) -> dict[str, object]:
    """A batch: sent when it was due, and answered a millisecond later."""
    return {
        "kind": "produce",
        "worker": "worker-0",
        "first_seq": first,
        "last_seq": last,
        "partition": 0,
        "count": last - first + 1,
        "intended_ns": 0,
        "started_ns": 0,
        "completed_ns": 1_000_000,
        "outcome": outcome,
        "error": "",
        **fields,
    }


def found(topic: str, *seqs: int) -> list[dict[str, object]]:
    """Records of a topic as they were sent, at offsets from 0 in the order in which they are given."""
    return [
        {"topic": topic, "partition": 0, "offset": n, "seq": seq, "sent_as": seq, "key_kept": seq >= 0}
        for n, seq in enumerate(seqs)
    ]


def letter(
    seq: int, source_offset: int, reason: str = "missing:event_id", **fields: object
) -> dict[str, object]:
    """The dead letter of a ``malformed`` event."""
    return {
        "topic": "events_dead_letter",
        "partition": 0,
        "offset": source_offset,
        "seq": seq,
        "sent_as": seq,
        "key_kept": seq >= 0,
        "headers": "reason,source_offset,source_partition,source_topic",
        "reason": reason,
        "source_topic": "events",
        "source_partition": 0,
        "source_offset": source_offset,
        **fields,
    }


def window(kind: str, key: str, start: float, end: float, *values: float) -> dict[str, object]:
    """A window's result; start and end in minutes after the event clock's origin."""
    return {
        "window_kind": kind,
        "key": key,
        "window_start_ms": ORIGIN_MS + round(start * 60_000),
        "window_end_ms": ORIGIN_MS + round(end * 60_000),
        "events": len(values),
        "measured": len(values),
        "value_sum": sum(values) if values else None,
        "value_min": min(values, default=None),
        "value_max": max(values, default=None),
    }


def sample(metric: str, at_s: float, value: float, label: str = "") -> dict[str, object]:
    return {"at_ns": round(at_s * SECOND_NS), "metric": metric, "label": label, "value": value}


def punctual(at_s: float = 0, **fields: object) -> dict[str, object]:
    """What a worker of the load that is never late says of itself."""
    row = {"at_ns": round(at_s * SECOND_NS), "worker": "worker-0", "late_ms": 0.0, "blocked_ms": 0.0}
    return {**row, "cpu_share": 0.1, **fields}


def phase(at_s: float, name: str) -> PhaseLine:
    return PhaseLine.model_validate({"at_ns": round(at_s * SECOND_NS), "phase": name})


def fault(at_s: float, action: str, number: int = 0, **fields: object) -> FaultLine:
    line = {"kind": "kill", "nodes": ["kafka-broker-1"], "ok": True, "detail": ""}
    return FaultLine.model_validate(
        {"at_ns": round(at_s * SECOND_NS), "fault": number, "action": action, **line, **fields}
    )


def history(
    *,
    phases: Sequence[PhaseLine] = PHASES,
    faults: Sequence[FaultLine] = (),
    ends: Sequence[EndLine] | None = (),
    hot_writes: Sequence[HotWriteLine] | None = None,
    of: Scenario | None = None,
    info: RunInfo | None = None,
    clocks: Sequence[ClockLine] = (),
    without: str = "",
    **tables: Rows,
) -> History:
    """A history of these tables; those not named are empty, and the one ``without`` which it is, missing."""
    given = {"generator": [punctual(at_s / 2) for at_s in range(160)], **tables}
    rows: dict[str, Rows] = {name: given.get(name, ()) for name in SCHEMAS if name != without}
    return History.from_tables(
        scenario=of or scenario(),
        info=info or run_info(),
        tables=rows,
        phases=phases,
        faults=faults,
        ends=ends,
        hot_writes=hot_writes,
        clocks=clocks,
    )
