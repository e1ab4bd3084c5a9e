"""Whether the load offered what was requested: a platform that received less reveals nothing about its speed.

What is due follows from the plan on the path events, and from the profile's curve where whole batches are
sent. A load that sends at full speed has nothing due; what counts is the time in which it could have sent. A
generator sample reports that something was handed over ``late_ms`` late through its own fault: what was due
in that time, except in its last ``IN_TIME_S``, was not offered in time. Back-pressure from the client is the
platform's doing and does not count. Each worker has an equal share.

So a loop that occasionally wakes a little late still offers everything in time: on two cores beside ten
engines that is up to 0.7 s. One that stalled for half a minute has not offered half a minute's load, even if
it caught up afterwards by sending more than was requested.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers

TABLE: Final = "generator"
UNRECORDED: Final = "it is not recorded whether the load itself was on time"
IN_TIME_S: Final = 2.0
LEAST_SHARE: Final = 0.95
"""The share of what was due that must be offered in time; with less it is a different load."""
_SECOND_NS: Final = 1_000_000_000
_SLOT_NS: Final = 100_000_000

# A process that uses a whole processor is also slow to read answers: its back-pressure may be its own.
_OWN: Final = """
SELECT worker, cpu_share, at_ns, late_ms,
       at_ns - lag(at_ns, 1, at_ns) OVER (PARTITION BY worker ORDER BY at_ns) AS gap_ns,
       CASE WHEN cpu_share >= 0.9 THEN greatest(late_ms, blocked_ms) ELSE late_ms END AS own_ms
FROM generator
"""
# A load at full speed uses all the CPU it gets, yet its back-pressure comes from the platform.
_LATE: Final = """
WITH late AS (SELECT worker, at_ns, CASE WHEN $flood THEN late_ms ELSE own_ms END AS value FROM own_lateness)
SELECT worker, greatest(at_ns - (value * 1e6)::BIGINT, load_start_ns) AS from_ns,
       at_ns - $in_time_ns AS to_ns, value
FROM late, run WHERE at_ns >= load_start_ns ORDER BY worker, from_ns
"""
_SILENT: Final = """
SELECT DISTINCT worker FROM operations WHERE kind = 'produce'
EXCEPT SELECT worker FROM generator ORDER BY worker
"""
_PLANNED: Final = """
SELECT floor(send_offset_ms * 1e6 / time_scale / $slot_ns)::BIGINT AS slot, count(*) AS events
FROM plan, run GROUP BY ALL
"""
_SENT: Final = """
SELECT ((intended_ns - load_start_ns) // $slot_ns)::BIGINT AS slot, sum(count)::BIGINT AS events
FROM operations, run WHERE kind = 'produce' GROUP BY ALL
"""
_SAMPLED_UNTIL: Final = "SELECT coalesce(max(at_ns), 0) FROM generator"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curve:
    """The cumulative amount over time: events, or seconds where nothing is due."""

    at_ns: Numbers
    until: Numbers

    def within(self, from_ns: Numbers, to_ns: Numbers) -> float:
        """Return the total within these spans; an empty span adds nothing."""
        ends = np.interp(np.maximum(to_ns, from_ns), self.at_ns, self.until)
        return float((ends - np.interp(from_ns, self.at_ns, self.until)).sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Late:
    """The ordered, disjoint spans in which one worker was late through its own fault."""

    from_ns: Numbers
    to_ns: Numbers
    worst_ms: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfferedLoad:
    """What was due, and how much of it was not offered in time."""

    due: _Curve
    sent: _Curve | None
    """None where everything was eventually handed over."""
    late: Mapping[str, _Late]
    """By worker."""
    spans: tuple[tuple[str, int, int], ...]
    """The phases with their start and end."""
    unrecorded: str = ""

    def short(self, phases: Collection[str]) -> str:
        """Return why the load in these phases, or in all, was not the one requested; "" if it was."""
        if self.unrecorded:
            return self.unrecorded
        inside = [(begin, end) for name, begin, end in self.spans if not phases or name in phases]
        from_ns, to_ns = np.array(inside, dtype=np.int64).reshape(-1, 2).T
        due = self.due.within(from_ns, to_ns)
        if due <= 0:
            return ""
        missed = {worker: self._missed(late, from_ns, to_ns) / due for worker, late in self.late.items()}
        never = 0.0 if self.sent is None else max(0.0, 1 - self.sent.within(from_ns, to_ns) / due)
        share = 1 - never - sum(missed.values()) / max(1, len(missed))
        if share >= LEAST_SHARE:
            return ""
        return _sentence(share, never, missed, self.late, phases)

    def _missed(self, late: _Late, from_ns: Numbers, to_ns: Numbers) -> float:
        """Return what was due while the worker was late, within these spans."""
        return sum(
            self.due.within(np.clip(late.from_ns, begin, end), np.clip(late.to_ns, begin, end))
            for begin, end in zip(from_ns.tolist(), to_ns.tolist(), strict=True)
        )


def _sentence(
    share: float,
    never: float,
    missed: Mapping[str, float],
    late: Mapping[str, _Late],
    phases: Collection[str],
) -> str:
    during = f" in {','.join(phases)}" if phases else ""
    why = [f"{never:.1%} was never sent"] if never else []
    if missed and (worst := max(missed, key=lambda worker: missed[worker])) and missed[worst]:
        why.append(f"{worst} was up to {late[worst].worst_ms:,.0f} ms late through its own fault")
    return (
        f"the load offered {max(0.0, share):.1%} of what was due{during} within {IN_TIME_S:g} s of its due"
        f" time ({'; '.join(why)}): a load other than the one requested shows nothing about the platform"
    )


def derive_own_lateness(history: History) -> None:
    """Derive the table ``own_lateness``: the generator's samples with their own lateness as ``own_ms``."""
    history.derive("own_lateness", _OWN)


def offered_load(history: History) -> OfferedLoad:
    """Return the load that the run recorded as offered, or that it was not recorded."""
    needed = {TABLE, "phases", "run", "operations"}
    if not history.scenario.load.sends_record_batches:
        needed.add("plan")
    if needed & (history.missing | history.damaged):
        return NOT_RECORDED
    load_start_ns = 0 if history.info is None else history.info.load_start_ns
    # Of a load still running, nothing is known after its last sample.
    until_ns = load_start_ns + 2**61 if history.complete else int(history.value(_SAMPLED_UNTIL))
    due = _due(history, load_start_ns)
    silent = history.columns(_SILENT)["worker"].tolist()
    return OfferedLoad(
        due=due,
        sent=_sent(history, due, load_start_ns) if history.complete else None,
        late=_late(history),
        spans=tuple((s.phase, max(s.from_ns, load_start_ns), min(s.to_ns, until_ns)) for s in history.phases),
        unrecorded=f"{UNRECORDED}: {', '.join(silent)}" if silent else "",
    )


def _due(history: History, load_start_ns: int) -> _Curve:
    load = history.scenario.load
    if not load.sends_record_batches:
        return _by_slot(history.columns(_PLANNED, {"slot_ns": _SLOT_NS}), load_start_ns)
    seconds = np.arange(int(np.ceil(load.duration)) + 1)
    curve = load.curve
    until = seconds if curve is None else np.array([curve.area_until(float(s)) for s in seconds])
    return _Curve(at_ns=load_start_ns + seconds * _SECOND_NS, until=until.astype(np.float64))


def _sent(history: History, due: _Curve, load_start_ns: int) -> _Curve | None:
    """What was sent, by due time; None for whole batches, which other checks count."""
    if history.scenario.load.sends_record_batches:
        return None
    sent = _by_slot(history.columns(_SENT, {"slot_ns": _SLOT_NS}), load_start_ns)
    return sent if sent.until[-1] < due.until[-1] else None


def _by_slot(counted: Mapping[str, Numbers], load_start_ns: int) -> _Curve:
    slots = np.maximum(counted["slot"].astype(np.int64), 0)
    by_slot = np.bincount(slots, weights=counted["events"].astype(np.float64)) if len(slots) else np.zeros(1)
    at_ns = load_start_ns + np.arange(len(by_slot) + 1) * _SLOT_NS
    return _Curve(at_ns=at_ns, until=np.concatenate([[0.0], np.cumsum(by_slot)]))


def _late(history: History) -> Mapping[str, _Late]:
    derive_own_lateness(history)
    flood = history.scenario.load.is_flood
    rows = history.columns(_LATE, {"in_time_ns": round(IN_TIME_S * _SECOND_NS), "flood": flood})
    return {
        str(worker): _disjoint(
            *(rows[name][rows["worker"] == worker] for name in ("from_ns", "to_ns", "value"))
        )
        for worker in np.unique(rows["worker"].astype(str))
    }


def _disjoint(from_ns: Numbers, to_ns: Numbers, late_ms: Numbers) -> _Late:
    """Merge one worker's spans, sorted by start, by cutting from each what earlier ones cover."""
    covered_ns = np.maximum.accumulate(np.concatenate([[from_ns[0]], np.maximum(to_ns, from_ns)[:-1]]))
    begin_ns = np.maximum(from_ns, covered_ns)
    kept = to_ns > begin_ns
    return _Late(from_ns=begin_ns[kept], to_ns=to_ns[kept], worst_ms=float(late_ms.max()))


_NOTHING: Final = _Curve(at_ns=np.zeros(1), until=np.zeros(1))
NOT_RECORDED: Final = OfferedLoad(due=_NOTHING, sent=None, late={}, spans=(), unrecorded=UNRECORDED)
"""For a run that recorded nothing about its load."""
