"""Write, audit, publish: a layer's rows of a day are judged by their gate before its readers can see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipeline.contract.odcs import DataContract
from pipeline.days.fencing import Fence
from pipeline.days.publish import publish
from pipeline.days.tables import Table
from pipeline.days.task import Outcome, Output
from pipeline.days.tasks.at_once import at_once
from pipeline.days.tasks.context import REFERENCES, Context
from pipeline.quality.context import GateContext
from pipeline.quality.gate import Gate
from pipeline.quality.result import GateResult

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of a layer, with its rows of the day."""

    table: Table
    rows: DataFrame
    audited: DataFrame | None = None
    """The same rows, with what the gate would have to look up otherwise."""
    gated: bool = True
    looked_up: Sequence[str] = ()
    """Columns of which a reader looks single values up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What became of a layer's day."""

    outcome: Outcome
    outputs: tuple[Output, ...]
    gates: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Rows that a gate is to judge."""

    table: Table
    rows: DataFrame
    contract: DataContract
    known: GateContext


def promote(
    context: Context,
    task: str,
    day: date,
    parts: Sequence[Part],
    *,
    leases: Mapping[str, Fence],
    contract: DataContract,
    references: Mapping[str, DataFrame] = {},
    source_rows: Mapping[str, int] = {},
) -> Promotion:
    """Judge the gated parts, then publish all: into their tables, or into quarantine if a gate fails.

    ``leases``: of the parts' tables, by name. ``references``: the reference tables that the gates' rules
    name; they are held to their own contracts' rules, too. ``source_rows``: rows of the day in the tables
    that these were made of, by table.

    In quarantine or not, what was there of the day is replaced; what was promoted before a failed gate stays.
    """
    now, trailing = context.now(), context.trailing(task, day)
    asked = [
        _Asked(
            table=part.table,
            rows=part.rows if part.audited is None else part.audited,
            contract=contract,
            known=GateContext(
                now=now,
                daily_rows={before: r.result.rows_in(part.table.name) for before, r in trailing.items()},
                references=references,
                source_rows=source_rows,
            ),
        )
        for part in parts
        if part.gated
    ]
    asked += [
        _Asked(table=table, rows=references[own.name], contract=own, known=GateContext(now=now))
        for table, own in REFERENCES.items()
        # One that was never dropped has nothing to be judged.
        if own.name in references and context.has(table)
    ]
    gates = at_once(lambda ask: _judged(context, day, ask), asked)
    kept_back = any(gate.verdict == "quarantined" for gate in gates)
    if context.options.promotion == "always":
        kept_back = False
    outputs = at_once(
        lambda part: published(
            context,
            part,
            part.table.quarantine if kept_back else part.table,
            day,
            fence=leases[part.table.name],
        ),
        parts,
    )
    return Promotion(outcome="quarantined" if kept_back else "promoted", outputs=outputs, gates=gates)


def _judged(context: Context, day: date, asked: _Asked) -> GateResult:
    gate = Gate.of(asked.table.name, asked.contract, context.options.gates)
    return gate.evaluate(asked.rows, day, asked.known)


def published(context: Context, part: Part, table: Table, day: date, *, fence: Fence) -> Output:
    """Put a part's rows into a table, in the place of the day's, or of all where the table has no days."""
    done = publish(
        part.rows,
        context.uri(table),
        day if table.partition_columns else None,
        table.partition_columns,
        fence=fence,
        looked_up=part.looked_up,
    )
    return Output(table=table.name, version=done.version, rows=done.rows, files=done.files, bytes=done.bytes)
