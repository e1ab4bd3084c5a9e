"""Turns the events of a trace into the sendings of a plan: injects events and orders them all.

Every choice is made by a digest of (seed, purpose, identity), so it depends neither on the order in which the
database works nor on the version of a random generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

from harness.load.plan import damage
from harness.load.plan.closing import WINDOW_MS
from harness.load.plan.payload import payload, valid_fields
from harness.load.traces.sql import one_row
from harness.scenario.model import Inject

# Statements are assembled from numbers and expressions of this package.
# ruff: noqa: S608

_DUPLICATE_DELAY_MAX_S: Final = 600.0

_COLUMNS: Final = f"""
    s.seq, s.kind, s.late, coalesce(o.original_seq, s.seq) AS original_seq,
    s.event_offset_ms, s.send_offset_ms,
    CASE WHEN d.number IS NULL THEN event_id END AS event_id,
    CASE WHEN d.number IS NULL THEN event_type END AS event_type,
    entity_id,
    CASE WHEN d.number IS NULL THEN category END AS category,
    CASE WHEN d.number IS NULL THEN reference_id END AS reference_id,
    CASE WHEN d.number IS NULL THEN value END AS value,
    CASE WHEN d.number IS NULL THEN quantity END AS quantity,
    CASE WHEN d.number IS NULL THEN attributes END AS attributes,
    CASE WHEN d.number IS NULL THEN encode({payload(valid_fields())}) ELSE d.payload END AS payload,
    d.fault
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The events to inject, and the seed."""

    inject: Inject
    seed: int
    span_ms: int
    dedup_horizon_s: float
    out_of_orderness_ms: int

    @property
    def late_by_ms(self) -> int:
        """How long after its time a late event is sent."""
        return round(self.inject.late_by * 1000)

    @property
    def boundary_ms(self) -> str:
        """The send offset, as SQL, of an event of the trace ``t`` that is sent about when its window closes.

        Windows start at multiples of five minutes of offset, because an event clock starts on the hour.
        """
        end = f"t.offset_ms - t.offset_ms % {WINDOW_MS} + {WINDOW_MS}"
        return f"({end} + {self.draw('boundary delay')} % {max(2 * self.out_of_orderness_ms, 1)})::BIGINT"

    @property
    def boundary_delay_max_ms(self) -> int:
        """The longest delay of such an event."""
        return WINDOW_MS + 2 * self.out_of_orderness_ms

    @property
    def duplicate_delay_max_ms(self) -> int:
        """The longest delay of a repetition: short, and well within the deduplication horizon."""
        return round(min(_DUPLICATE_DELAY_MAX_S * 1000, self.span_ms / 10, self.dedup_horizon_s * 500))

    def draw(self, purpose: str) -> str:
        """A pseudo-random number below 2^64 for each event of the trace ``t``, as SQL."""
        return f"md5_number_lower('{self.seed}|{purpose}|' || t.offset_ms || '|' || t.event_id)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendings:
    """Facts about the table that ``mix_in`` makes."""

    count: int
    last_ms: int
    """When the last one is sent."""


def mix_in(database: duckdb.DuckDBPyConnection, mix: Mix, *, events: int) -> Sendings:
    """Make the table ``sendings`` from the view ``trace``: one row per sending, by seq.

    Of the events sent at the same moment, the originals come first, in trace order, then the malformed, the
    duplicate and the conflicting ones, so that an original always precedes its repetitions.
    """
    for purpose in ("malformed", "duplicate", "conflict"):
        _choose(database, mix, purpose, round(getattr(mix.inject, purpose) * events))
    # Prefer late events that are sent before the trace ends, so that the load does not end with only late
    # events.
    _choose(database, mix, "late", round(mix.inject.late * events), rank=_after_the_end(mix.late_by_ms))
    _choose(
        database,
        mix,
        "boundary",
        round(mix.inject.boundary * events),
        rank=_after_the_end(mix.boundary_delay_max_ms),
        among="ANTI JOIN chosen_late USING (row)",
    )
    _damage(database, injected=mix.inject.malformed > 0)
    database.execute(f"CREATE TABLE unordered AS {_originals(mix)} UNION ALL {_malformed()}")
    database.execute(f"INSERT INTO unordered {_repetitions(mix, 'duplicate', rank=2)}")
    database.execute(f"INSERT INTO unordered {_repetitions(mix, 'conflict', rank=3)}")
    database.execute(
        "CREATE TABLE sendings AS"
        " SELECT row_number() OVER (ORDER BY send_offset_ms, rank, event_offset_ms, row) - 1 AS seq, *"
        " FROM unordered"
    )
    database.execute("DROP TABLE unordered")
    count, last_ms = one_row(database, "SELECT count(*), max(send_offset_ms) FROM sendings")
    return Sendings(count=count, last_ms=last_ms)


def plan_query(mix: Mix) -> str:
    """The query for every sending with its event and payload, in order, with the plan's columns."""
    return f"""
        WITH sent AS (
            SELECT s.*, t.* EXCLUDE (row, value),
                   CASE WHEN s.kind = 'conflict' THEN {_other_value(mix)} ELSE t.value END AS value
            FROM sendings s JOIN trace t ON t.row = s.row
        )
        SELECT {_COLUMNS}
        FROM sent s
        LEFT JOIN damaged d ON d.number = s.number
        LEFT JOIN (SELECT row AS original, seq AS original_seq FROM sendings WHERE kind = 'valid') o
            ON o.original = CASE WHEN s.kind IN ('duplicate', 'conflict') THEN s.row END
        ORDER BY s.seq
    """


def _other_value(mix: Mix) -> str:
    """A fractional value different from that of the event of the trace ``t``, as SQL."""
    other = f"({mix.draw('conflict value')} % 2_000_000)::DOUBLE / 1000"
    return f"({other} + CASE WHEN t.value IS NOT DISTINCT FROM {other} THEN 1 ELSE 0 END)"


def _choose(
    database: duckdb.DuckDBPyConnection,
    mix: Mix,
    purpose: str,
    count: int,
    *,
    rank: str = "0",
    among: str = "",
) -> None:
    """Make the table ``chosen_<purpose>`` of ``count`` events, by ``rank`` and then at random.

    The join ``among`` limits the candidates, and so may leave fewer than ``count``.
    """
    database.execute(
        f"CREATE TABLE chosen_{purpose} AS"
        f" SELECT row, offset_ms, row_number() OVER (ORDER BY draw, row) - 1 AS number FROM"
        f" (SELECT row, offset_ms, {mix.draw(purpose)} AS draw, {rank} AS rank"
        f" FROM trace t {among} ORDER BY rank, draw, row LIMIT {count})"
    )


def _after_the_end(delay_ms: int) -> str:
    """Whether an event of the trace ``t``, if delayed this much, is sent after the trace ends, as SQL."""
    return f"t.offset_ms > (SELECT max(offset_ms) FROM trace) - {delay_ms}"


def _damage(database: duckdb.DuckDBPyConnection, *, injected: bool) -> None:
    """Make the table ``damaged`` of malformed payloads, with a short statement if there are none."""
    chosen = "SELECT t.*, c.number FROM chosen_malformed c JOIN trace t ON t.row = c.row"
    broken, kind = (damage.damaged(), damage.kind()) if injected else ("''::BLOB", "''")
    database.execute(
        f"CREATE TABLE damaged AS SELECT number, {broken} AS payload, {kind} AS fault"
        f" FROM (SELECT *, {damage.context()} FROM ({chosen}))"
    )


def _originals(mix: Mix) -> str:
    return f"""
        SELECT t.row, 'valid' AS kind, 0 AS rank, l.row IS NOT NULL AS late, t.offset_ms AS event_offset_ms,
               CASE WHEN l.row IS NOT NULL THEN t.offset_ms + {mix.late_by_ms}
                    WHEN b.row IS NOT NULL THEN {mix.boundary_ms} ELSE t.offset_ms END AS send_offset_ms,
               CAST(NULL AS BIGINT) AS number
        FROM trace t LEFT JOIN chosen_late l ON l.row = t.row LEFT JOIN chosen_boundary b ON b.row = t.row
    """


def _malformed() -> str:
    """Select the malformed imitations, each sent together with the event that it imitates."""
    return "SELECT row, 'malformed', 1, false, offset_ms, offset_ms, number FROM chosen_malformed"


def _repetitions(mix: Mix, kind: str, *, rank: int) -> str:
    """Select the repetitions: half are sent immediately, the others after a delay."""
    draw = mix.draw("delay" if kind == "duplicate" else f"{kind} delay")
    delay = f"CASE WHEN c.number % 2 = 0 THEN 0 ELSE {draw} % {mix.duplicate_delay_max_ms + 1} END"
    return f"""
        SELECT u.row, '{kind}', {rank}, u.late, u.event_offset_ms, u.send_offset_ms + ({delay})::BIGINT, NULL
        FROM chosen_{kind} c
        JOIN unordered u ON u.row = c.row AND u.kind = 'valid'
        JOIN trace t ON t.row = c.row
    """
