"""The real lake stage of a run: on its platform's object store, by its catalogue, into its history."""

from __future__ import annotations

from functools import partial

from harness.base.errors import DeployError
from harness.observe.readback.lake_access import lake_of
from harness.observe.readback.lake_contents import contents
from harness.run.lake.references import key_of, rows_of, snapshots
from harness.run.lake.stage import Stage
from harness.run.lake.task_recorder import TaskRecorder
from harness.run.run import Flooded
from pipeline.catalogue.catalogue import current_event_contract
from pipeline.catalogue.lake_catalogue import LakeCatalogue
from pipeline.contract.compatibility import with_nullable_text
from pipeline.errors import PipelineError
from pipeline.lake.objects import Objects


def carry_out_stage(flooded: Flooded) -> None:
    """Carry the scenario's lake stage out, which it must have. Raises RunError and DeployError."""
    stage = flooded.scenario.lake
    if stage is None:
        raise ValueError("the scenario has no lake stage")
    store = flooded.platform.endpoints.object_store
    objects = Objects(store)
    catalogue = LakeCatalogue(objects)

    def add_field(name: str) -> None:
        catalogue.register(with_nullable_text(current_event_contract(catalogue), name))

    books = TaskRecorder(
        history=flooded.folder.history, clock=flooded.clock, read_contents=partial(contents, lake_of(store))
    )
    try:
        for table, content in snapshots(stage.references, report=flooded.report).items():
            objects.put(key_of(table), content)
            books.refer(rows_of(table, content))
        Stage(
            stage=stage,
            folder=flooded.folder,
            platform=flooded.platform,
            origin_ms=flooded.info.origin_ms,
            seed=flooded.scenario.seed,
            objects=objects,
            add_field=add_field,
            books=books,
            report=flooded.report,
        ).run()
    except PipelineError as error:
        raise DeployError(f"the lake stage: {error}") from error
