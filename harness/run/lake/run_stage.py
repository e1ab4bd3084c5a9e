"""Runs a scenario's lake stage on the platform's object store, with its catalogue, into the history."""

from __future__ import annotations

from functools import partial

from harness.base.errors import DeployError
from harness.history.run_info import RunInfo
from harness.observe.readback.lake import lake_of
from harness.observe.readback.lake_contents import contents
from harness.run.lake.references import key_of, rows_of, snapshots
from harness.run.lake.stage import Stage
from harness.run.lake.task_recorder import TaskRecorder
from harness.run.run import RunContext
from pipeline.base.errors import PipelineError
from pipeline.catalogue.catalogue import current_event_contract
from pipeline.catalogue.lake_catalogue import LakeCatalogue
from pipeline.contract.compatibility import with_nullable_text
from pipeline.lake.objects import Objects


def run_lake_stage(context: RunContext, info: RunInfo) -> None:
    """Run the lake stage, which the scenario must have. Raises RunError and DeployError."""
    stage = context.scenario.lake
    if stage is None:
        raise ValueError("the scenario has no lake stage")
    store = context.platform.endpoints.object_store
    objects = Objects(store)
    catalogue = LakeCatalogue(objects)

    def add_field(name: str) -> None:
        catalogue.register(with_nullable_text(current_event_contract(catalogue), name))

    recorder = TaskRecorder(
        history=context.folder.history, clock=context.clock, read_contents=partial(contents, lake_of(store))
    )
    try:
        for table, content in snapshots(stage.references, report=context.report).items():
            objects.put(key_of(table), content)
            recorder.refer(rows_of(table, content))
        Stage(
            stage=stage,
            folder=context.folder,
            processes=context.platform.processes,
            origin_ms=info.origin_ms,
            seed=context.scenario.seed,
            objects=objects,
            add_field=add_field,
            recorder=recorder,
            report=context.report,
        ).run()
    except PipelineError as error:
        raise DeployError(f"the lake stage: {error}") from error
