"""The Silver task: typed, deduplicated and conformed events, and the rejects with their reasons."""

from __future__ import annotations

from datetime import date

from pipeline.base.errors import NoSuchDay
from pipeline.catalogue.catalogue import current_event_contract
from pipeline.days.layers.silver import silver
from pipeline.days.tables.delta_tables import (
    BRONZE_EVENTS,
    SILVER_EVENTS,
    SILVER_REJECTS,
)
from pipeline.days.tasks import bronze_task
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.promotion import Part, promote
from pipeline.days.tasks.task import Input, TaskResult, reject_counts

NAME = "silver"
LOOKED_UP = ("event_id",)


def silver_of(context: Context, day: date) -> TaskResult:
    """Replace the day in Silver and its rejects. Raises NoSuchDay if Bronze lacks the day."""
    bronze = context.promoted(bronze_task.NAME, BRONZE_EVENTS, day)
    if bronze is None:
        raise NoSuchDay([day], context.records.days())
    contract = current_event_contract(context.catalogue)
    with context.references() as references:
        made = silver(
            context.read_day(BRONZE_EVENTS, bronze.version, day),
            references,
            contract,
            duplicates=context.options.silver_duplicates,
        )
        rejected = {row.reason: row["count"] for row in made.rejects.groupBy("reason").count().collect()}
        parts = [
            Part(table=SILVER_EVENTS, rows=made.accepted, audited=made.audited, looked_up=LOOKED_UP),
            Part(table=SILVER_REJECTS, rows=made.rejects, gated=False),
        ]
        with context.writing(*(part.table for part in parts)) as leases:
            done = promote(context, NAME, day, parts, leases=leases, contract=contract, references=references)
    accepted = done.outputs[0].rows
    return TaskResult(
        outcome=done.outcome,
        inputs=(
            Input(name=BRONZE_EVENTS.name, version=str(bronze.version)),
            Input(name=f"contract {contract.name}", version=contract.version),
        ),
        outputs=done.outputs,
        counts={
            "read": accepted + sum(rejected.values()),
            "written": accepted,
            **reject_counts(rejected),
        },
        gates=done.gates,
    )
