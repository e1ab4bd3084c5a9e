"""Histories of right platforms, drawn at random: none of them may raise an alarm.

``python -m tests.correct_histories --count 10000`` judges so many, and names the seed of each that did not
pass. What a right platform makes of its events is computed here in plain Python, event by event, and shares
nothing with the oracle: retries, repeated and broken events, lateness by each partition's order, windows.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from harness.history.course import EndLine
from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.scenario.faults import FaultSpec
from pipeline.contract.topics import TOPICS
from tests.core.histories import (
    ORIGIN_MS,
    SECOND_NS,
    closing,
    event,
    fault,
    history,
    letter,
    malformed,
    phase,
    punctual,
    sample,
    scenario,
    sent,
)
from tests.core.windows import reference

Row = dict[str, Any]

MINUTE_MS: Final = 60_000
LOAD_S, DRAINED_S, DONE_S = 60, 66, 70
CLOSE_MINUTE: Final = 600.0
OUT_OF_ORDERNESS_MS: Final = 60_000
WINDOW_MS: Final = 5 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A record of the source topic, with the row of the plan that it is of."""

    partition: int
    offset: int
    of: Row


def correct_history(seed: int) -> History:
    """What a run leaves in which everything went right, though not everything went well."""
    rng = random.Random(seed)
    partitions = rng.randint(1, 4)
    plan = _plan(rng, partitions)
    faults = _faults(rng)
    operations, sendings = _sendings(rng, plan, min((inject for _, inject, _ in faults), default=LOAD_S))
    source = list(_source(rng, sendings, partitions))
    late = _late(source)
    for row in plan:
        row["late"] = row["kind"] == "valid" and row["seq"] in late
    valid = _first_of_each(source, broken=False)
    counted = [record.of for record in valid if record.of["seq"] not in late]
    windows = list(_windows(rng, counted))
    planned = (FaultSpec(kind="kill", targets=(n,), at=at, heal_after=heal - at) for n, at, heal in faults)
    return history(
        of=scenario(faults=tuple(planned)),
        phases=_phases(faults),
        faults=[
            fault(at_s, action, number, nodes=[node])
            for number, (node, inject, heal) in enumerate(faults)
            for action, at_s in (("inject", inject), ("heal", heal))
        ],
        ends=_ends(faults),
        plan=plan,
        operations=operations,
        generator=[punctual(at_s / 2) for at_s in range(2 * LOAD_S)],
        samples=list(_samples()),
        readback_events=[*_inputs(source), *_outputs(rng, valid, late), *_letters(source)],
        readback_windows=[{**row, "partition": n % 3, "offset": n} for n, row in enumerate(windows)],
        readback_hot_windows=rng.sample(windows, len(windows)),
        readback_hot_events=[_hot(record.of) for record in rng.sample(valid, len(valid))],
    )


def alarms(seed: int) -> tuple[Finding, ...]:
    """What the judge has against a right history."""
    judgement = judge_history(correct_history(seed), run_id=str(seed))
    return tuple(finding for finding in judgement.findings if finding.verdict is not Verdict.PASS)


def _plan(rng: random.Random, partitions: int) -> list[Row]:
    """Events in the order of their sending; those that come late, and repeated and broken ones among them."""
    # The first is sent in the steady phase, or nothing would be seen there.
    offsets = sorted([rng.uniform(0, 5), *(rng.uniform(0, 60) for _ in range(rng.randint(0, 60)))])
    plan: list[Row] = []
    for seq, minute in enumerate(offsets):
        entity, send = rng.randrange(6), {"send_offset_ms": round(minute * MINUTE_MS)}
        originals = [row for row in plan if row["kind"] == "valid"]
        # Where no event is valid no window is due, and nobody can tell whether any would have been right.
        kind = rng.choices(["valid", "duplicate", "malformed"], [8, 1, 1])[0] if originals else "valid"
        if kind == "malformed":
            broken = {"entity_id": f"N{entity}", "payload": b"{", "fault": "truncated"}
            plan.append({**malformed(seq, minute), **send, **broken})
        elif kind == "duplicate" and originals:
            original = rng.choice(originals)
            plan.append({**original, **send, "seq": seq, "kind": kind, "original_seq": original["seq"]})
        else:
            behind = rng.choice([0.0, 0.0, 0.0, rng.uniform(0, 2), rng.uniform(0, 30)])
            value = rng.choice([None, round(rng.uniform(-50, 50), 1), float(rng.randrange(9))])
            fields = {"category": rng.choice(["UA", "DL"]), "value": value, "entity_id": f"N{entity}"}
            plan.append({**event(seq, max(minute - behind, 0), **fields), **send})
        plan[-1]["partition"] = int(plan[-1]["entity_id"][1:]) % partitions
    for partition in range(partitions):
        row = closing(len(plan), CLOSE_MINUTE)
        plan.append({**row, "send_offset_ms": 60 * MINUTE_MS, "partition": partition})
    return plan


def _sendings(
    rng: random.Random, plan: Sequence[Row], broken_from_s: float
) -> tuple[list[Row], list[tuple[Row, bool]]]:
    """Operations, and the rows that were sent in their order, with whether each sending arrived.

    What was refused, or whose outcome nobody knows, is sent again until it is acknowledged. Before anything
    was broken all goes well at once.
    """
    operations: list[Row] = []
    sendings: list[tuple[Row, bool]] = []
    first = 0
    while first < len(plan):
        batch = plan[first : first + rng.randint(1, 8)]
        at_ns = round(batch[0]["send_offset_ms"] / 60 * 1e6)
        retries = rng.choice([0, 0, 1, 2]) if at_ns >= broken_from_s * SECOND_NS else 0
        for outcome in (*rng.choices(["fail", "unknown"], k=retries), "ok"):
            took_ns = rng.randint(1, 200) * 1_000_000
            times = {"intended_ns": at_ns, "started_ns": at_ns, "completed_ns": at_ns + took_ns}
            error = "" if outcome == "ok" else "timed out"
            operations.append(sent(batch[0]["seq"], batch[-1]["seq"], outcome, error=error, **times))
            arrived = outcome == "ok" or (outcome == "unknown" and rng.random() < 0.5)
            sendings += [(row, arrived) for row in batch]
        first += len(batch)
    return operations, sendings


def _source(rng: random.Random, sendings: Sequence[tuple[Row, bool]], partitions: int) -> Iterator[_Record]:
    """The topic as it is at the end; offsets may have gaps."""
    ends = [0] * partitions
    for row, arrived in sendings:
        if arrived:
            partition = row["partition"]
            ends[partition] += rng.choice([0, 0, 0, 3])
            yield _Record(partition=partition, offset=ends[partition], of=row)
            ends[partition] += 1


def _late(source: Sequence[_Record]) -> set[int]:
    """By ``original_seq``: whose window had closed by the newest event before it in its partition."""
    newest: dict[int, int] = {}
    late: set[int] = set()
    seen: set[int] = set()
    for record in source:
        row = record.of
        if row["kind"] == "malformed":
            continue
        at_ms = ORIGIN_MS + row["event_offset_ms"]
        before_ms = newest.get(record.partition)
        closes_ms = at_ms - at_ms % WINDOW_MS + WINDOW_MS
        if row["original_seq"] not in seen and before_ms is not None:
            late |= {row["original_seq"]} if closes_ms <= before_ms - OUT_OF_ORDERNESS_MS else set()
        seen.add(row["original_seq"])
        newest[record.partition] = max(at_ms, before_ms or 0)
    return late


def _first_of_each(source: Sequence[_Record], *, broken: bool) -> list[_Record]:
    first: dict[int, _Record] = {}
    for record in source:
        if (record.of["kind"] == "malformed") == broken:
            first.setdefault(record.of["original_seq"], record)
    return list(first.values())


def _windows(rng: random.Random, counted: Sequence[Row]) -> Iterator[Row]:
    """Every window that had to close, and of those that the horizon leaves open some."""
    rows = [(row["entity_id"], row["category"], row["event_offset_ms"], row["value"]) for row in counted]
    horizon_ms = ORIGIN_MS + round(CLOSE_MINUTE * MINUTE_MS) - OUT_OF_ORDERNESS_MS
    for (kind, key, start_ms, end_ms), values in reference(rows).items():
        if end_ms <= horizon_ms or rng.random() < 0.3:
            measured = [value for value in values if value is not None]
            yield {
                "window_kind": kind,
                "key": key,
                "window_start_ms": start_ms,
                "window_end_ms": end_ms,
                "events": len(values),
                "measured": len(measured),
                "value_sum": sum(rng.sample(measured, len(measured))) if measured else None,
                "value_min": min(measured, default=None),
                "value_max": max(measured, default=None),
            }


def _inputs(source: Sequence[_Record]) -> Iterator[Row]:
    for record in source:
        yield _found("events", record.partition, record.offset, record.of)


def _outputs(rng: random.Random, valid: Sequence[_Record], late: set[int]) -> Iterator[Row]:
    for offset, record in enumerate(rng.sample(valid, len(valid))):
        yield _found("events_valid", record.partition, offset, record.of)
        if record.of["original_seq"] in late:
            yield _found("events_late", record.partition, offset, record.of)


def _letters(source: Sequence[_Record]) -> Iterator[Row]:
    """One for each broken record, however often its event was sent."""
    for number, record in enumerate(record for record in source if record.of["kind"] == "malformed"):
        yield {
            **letter(record.of["seq"], record.offset, "not_json"),
            **_found("events_dead_letter", record.partition, number, record.of),
            "source_partition": record.partition,
        }


def _found(topic: str, partition: int, offset: int, row: Row) -> Row:
    at_ms = ORIGIN_MS + row["event_offset_ms"]
    where = {"topic": topic, "partition": partition, "offset": offset}
    # Repetitions are the same bytes, and so taken for the first sending.
    seq = row["original_seq"]
    return {**where, "event_time_ms": at_ms, "seq": seq, "sent_as": seq, "key_kept": True}


def _hot(row: Row) -> Row:
    names = ("event_id", "event_type", "entity_id", "category", "value")
    return {**{name: row[name] for name in names}, "event_time_ms": ORIGIN_MS + row["event_offset_ms"]}


def _faults(rng: random.Random) -> list[tuple[str, float, float]]:
    """Node, injection and heal."""
    beginnings = rng.choice([[], [20.0], [20.0, 40.0]])
    nodes = ["kafka-broker-1", "flink-taskmanager-1"]
    return [(rng.choice(nodes), at_s, at_s + rng.uniform(0.5, 8.0)) for at_s in beginnings]


def _phases(faults: Sequence[tuple[str, float, float]]) -> list[Any]:
    begun = [(0.0, "steady"), (float(LOAD_S), "drain"), (float(DONE_S), "done")]
    for _, inject, heal in faults:
        begun += [(inject, "fault"), (heal, "recovery")]
    return [phase(at, name) for at, name in sorted(begun)]


def _ends(faults: Sequence[tuple[str, float, float]]) -> list[EndLine]:
    killed = [
        EndLine(at_ns=round((inject + 0.01) * SECOND_NS), node=node, exit=-9) for node, inject, _ in faults
    ]
    return [*killed, EndLine(at_ns=LOAD_S * SECOND_NS, node="load", exit=0)]


def _samples() -> Iterator[Row]:
    for at_s in range(DONE_S):
        yield sample("source_end_offset", at_s, float(min(at_s, LOAD_S)), "events")
        yield sample("stream_lag_events", at_s, float(at_s < DRAINED_S), "events")
        yield sample("job_running", at_s, 1.0)
    for topic in ("events", "events_valid", "window_results"):
        yield sample("undrained_events", DRAINED_S, 0.0, topic)
    yield sample("drain_complete", DRAINED_S, 1.0)
    for topic in TOPICS:
        yield sample("topic_replication_factor", DRAINED_S, 1.0, topic)
        yield sample("topic_min_insync_replicas", DRAINED_S, 1.0, topic)


def _told(seed: int) -> str:
    return "".join(f"seed {seed}: {f.verdict} {f.name}: {f.detail} {f.examples}\n" for f in alarms(seed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.count)
    with ProcessPoolExecutor(asked.jobs) as pool:
        told = [text for text in pool.map(_told, seeds, chunksize=50) if text]
    print(f"{''.join(told)}{asked.count:,} correct histories, {len(told):,} with an alarm")  # noqa: T201
    return bool(told)


if __name__ == "__main__":
    sys.exit(main())
