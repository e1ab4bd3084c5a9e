"""The Bronze task: what was landed and what partners dropped, unchanged."""

from __future__ import annotations

from datetime import date

from pipeline.catalogue.catalogue import current_event_contract, first_event_contract
from pipeline.days.layers.bronze import bronze, landing_day
from pipeline.days.partners.listing import partner_listing
from pipeline.days.partners.partner_day import Contracts, read_partner_day
from pipeline.days.tables.delta_tables import BRONZE_EVENTS, LANDING_EVENTS
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.open_days import NO_TABLE, BronzeInputs
from pipeline.days.tasks.promotion import Part, promote
from pipeline.days.tasks.task import TaskResult
from pipeline.quality.result import RefusedFile

NAME = "bronze"


def bronze_of(context: Context, day: date) -> TaskResult:
    """Replace the day in Bronze. Unusable partner files are refused, reported and left out.

    Raises Archived if the day's records have left the landing table.
    """
    context.require_not_archived(LANDING_EVENTS, day)
    contract = current_event_contract(context.catalogue)
    contracts = Contracts(current=contract, first=first_event_contract(context.catalogue))
    files = partner_listing(context.objects).of(day)
    partners = read_partner_day(context.objects, files, day, contracts)
    landing = landing_day(context.spark, context.uri(LANDING_EVENTS), day)
    rows = bronze(context.spark, landing, partners.rows, day).persist()
    try:
        with context.writing(BRONZE_EVENTS) as leases:
            parts = [Part(table=BRONZE_EVENTS, rows=rows)]
            done = promote(context, NAME, day, parts, leases=leases, contract=contract)
    finally:
        rows.unpersist()
    version = NO_TABLE if landing is None else landing.version
    inputs = BronzeInputs(landing_version=version, partner_files=frozenset(files)).as_inputs()
    written = sum(output.rows for output in done.outputs)
    return TaskResult(
        outcome=done.outcome,
        inputs=inputs,
        outputs=done.outputs,
        counts={"read": written, "written": written, "refused_files": len(partners.refused)},
        gates=done.gates,
        refused_files=tuple(
            RefusedFile(key=file.key, reason="; ".join(file.problems)) for file in partners.refused
        ),
        notes=tuple(
            f"{file.key}: ignored {', '.join(file.ignored)}" for file in partners.accepted if file.ignored
        ),
    )
