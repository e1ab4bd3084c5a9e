"""Random histories of correct platforms, none of which may raise an alarm.

``python -m tests.correct_histories --count 10000`` judges that many and prints the seed of each that did not
pass. A correct platform's results are computed here in plain Python, event by event, independently of the
oracle: retries, repeated and malformed events, lateness by each partition's order, windows.
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
    """A record of the source topic, with its row of the plan."""

    partition: int
    offset: int
    row: Row


def correct_history(seed: int) -> History:
    """Return the history of a run with correct results, though with faults, retries and late events."""
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
    counted = [record.row for record in valid if record.row["seq"] not in late]
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
        readback_hot_events=[_hot(record.row) for record in rng.sample(valid, len(valid))],
    )


def alarms(seed: int) -> tuple[Finding, ...]:
    """Return the judge's findings against a correct history."""
    judgement = judge_history(correct_history(seed), run_id=str(seed))
    return tuple(finding for finding in judgement.findings if finding.verdict is not Verdict.PASS)


def _plan(rng: random.Random, partitions: int) -> list[Row]:
    """Return events in sending order, including late, repeated and malformed ones."""
    # The first is sent in the steady phase, which would otherwise be empty.
    offsets = sorted([rng.uniform(0, 5), *(rng.uniform(0, 60) for _ in range(rng.randint(0, 60)))])
    plan: list[Row] = []
    for seq, minute in enumerate(offsets):
        entity, send = rng.randrange(6), {"send_offset_ms": round(minute * MINUTE_MS)}
        originals = [row for row in plan if row["kind"] == "valid"]
        # Without a valid event no window is due, so the windows could not be judged.
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
    """Return operations, and the sent rows in order, each with whether it arrived.

    Failed sendings, and those of unknown outcome, are repeated until they are acknowledged. Before the first
    fault every sending succeeds at once.
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
    """Yield the topic's final records; offsets may have gaps."""
    ends = [0] * partitions
    for row, arrived in sendings:
        if arrived:
            partition = row["partition"]
            ends[partition] += rng.choice([0, 0, 0, 3])
            yield _Record(partition=partition, offset=ends[partition], row=row)
            ends[partition] += 1


def _late(source: Sequence[_Record]) -> set[int]:
    """Return the ``original_seq`` of each event whose window had closed by its partition's clock."""
    newest: dict[int, int] = {}
    late: set[int] = set()
    seen: set[int] = set()
    for record in source:
        row = record.row
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
        if (record.row["kind"] == "malformed") == broken:
            first.setdefault(record.row["original_seq"], record)
    return list(first.values())


def _windows(rng: random.Random, counted: Sequence[Row]) -> Iterator[Row]:
    """Yield every window that had to close, and some of those that may still be open."""
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
        yield _found("events", record.partition, record.offset, record.row)


def _outputs(rng: random.Random, valid: Sequence[_Record], late: set[int]) -> Iterator[Row]:
    for offset, record in enumerate(rng.sample(valid, len(valid))):
        yield _found("events_valid", record.partition, offset, record.row)
        if record.row["original_seq"] in late:
            yield _found("events_late", record.partition, offset, record.row)


def _letters(source: Sequence[_Record]) -> Iterator[Row]:
    """Yield a dead letter for each malformed record, however often its event was sent."""
    for number, record in enumerate(record for record in source if record.row["kind"] == "malformed"):
        yield {
            **letter(record.row["seq"], record.offset, "not_json"),
            **_found("events_dead_letter", record.partition, number, record.row),
            "source_partition": record.partition,
        }


def _found(topic: str, partition: int, offset: int, row: Row) -> Row:
    at_ms = ORIGIN_MS + row["event_offset_ms"]
    where = {"topic": topic, "partition": partition, "offset": offset}
    # Repetitions have the same bytes, so the read-back takes them for the first sending.
    seq = row["original_seq"]
    return {**where, "event_time_ms": at_ms, "seq": seq, "sent_as": seq, "key_kept": True}


def _hot(row: Row) -> Row:
    names = ("event_id", "event_type", "entity_id", "category", "value")
    return {**{name: row[name] for name in names}, "event_time_ms": ORIGIN_MS + row["event_offset_ms"]}


def _faults(rng: random.Random) -> list[tuple[str, float, float]]:
    """Return the faults as (node, injection time, heal time)."""
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


def _report(seed: int) -> str:
    return "".join(f"seed {seed}: {f.verdict} {f.name}: {f.detail} {f.examples}\n" for f in alarms(seed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.count)
    with ProcessPoolExecutor(args.jobs) as pool:
        reports = [text for text in pool.map(_report, seeds, chunksize=50) if text]
    print(f"{''.join(reports)}{args.count:,} correct histories, {len(reports):,} with an alarm")  # noqa: T201
    return bool(reports)


if __name__ == "__main__":
    sys.exit(main())
