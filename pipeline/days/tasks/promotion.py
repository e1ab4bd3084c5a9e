"""Write, audit, publish: a gate judges a layer's rows of a day before readers can see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipeline.contract.odcs import DataContract
from pipeline.days.tables.delta_tables import Table
from pipeline.days.tables.fencing import Fence
from pipeline.days.tables.publish import publish
from pipeline.days.tasks.context import REFERENCES, Context
from pipeline.days.tasks.parallel import in_parallel
from pipeline.days.tasks.task import Outcome, Output
from pipeline.quality.gate import Gate
from pipeline.quality.measures import GateContext
from pipeline.quality.result import GateResult

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of a layer, with its rows of the day."""

    table: Table
    rows: DataFrame
    audited: DataFrame | None = None
    """The same rows, with lookups that the gate would otherwise have to make."""
    gated: bool = True
    looked_up: Sequence[str] = ()
    """Columns in which readers look up single values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The outcome of promoting a layer's day."""

    outcome: Outcome
    outputs: tuple[Output, ...]
    gates: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _GateRequest:
    """Rows for a gate to judge."""

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

    ``leases`` are those of the parts' tables, by name. ``references`` are the reference tables that the
    gates' rules use; they are checked against their own contracts as well. ``source_rows`` are the day's row
    counts in the source tables.

    The day's earlier rows are replaced, in the tables or in quarantine. After a failed gate, rows that were
    promoted earlier stay.
    """
    now, trailing = context.now(), context.trailing(task, day)
    requests = [
        _GateRequest(
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
    requests += [
        _GateRequest(table=table, rows=references[own.name], contract=own, known=GateContext(now=now))
        for table, own in REFERENCES.items()
        # A table that was never dropped has nothing to judge.
        if own.name in references and context.has(table)
    ]
    gates = in_parallel(lambda request: _evaluate(context, day, request), requests)
    kept_back = any(gate.verdict == "quarantined" for gate in gates)
    if context.options.promotion == "always":
        kept_back = False
    outputs = in_parallel(
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


def _evaluate(context: Context, day: date, request: _GateRequest) -> GateResult:
    gate = Gate.of(request.table.name, request.contract, context.options.gates)
    return gate.evaluate(request.rows, day, request.known)


def published(context: Context, part: Part, table: Table, day: date, *, fence: Fence) -> Output:
    """Write a part's rows to a table, replacing the day, or everything if the table has no days."""
    done = publish(
        part.rows,
        context.uri(table),
        day if table.partition_columns else None,
        table.partition_columns,
        fence=fence,
        looked_up=part.looked_up,
    )
    return Output(table=table.name, version=done.version, rows=done.rows, files=done.files, bytes=done.bytes)
