"""The plan of a scenario, from the cache or built into it. Its name is the digest of its inputs."""

from __future__ import annotations

from pathlib import Path

from harness.base.report import Report
from harness.load.plan.file import PlanFile
from harness.load.plan.key import plan_key
from harness.load.traces.mapping import AnyMapping, read_mapping
from harness.load.traces.source import trace_digest, trace_of
from harness.scenario.model import Scenario


def plan_path(trace_digest: str, mapping: AnyMapping, scenario: Scenario, *, plans: Path) -> Path:
    """Where the plan of a scenario is, or will be: its name is its key."""
    return plans / f"{plan_key(trace_digest=trace_digest, mapping=mapping, scenario=scenario)}.parquet"


def build_plan(scenario: Scenario, *, cache: Path, report: Report) -> PlanFile:
    """The scenario's plan, from the cache or built into it.

    Raises InvalidInput with everything that is wrong with the mapping or the trace, ``ArtifactError`` when a
    data set cannot be fetched, and RunError when the plan does not hold the trace.
    """
    mapping, document = read_mapping(scenario.load.trace)
    trace = trace_of(mapping, document, scenario.load.trace, seed=scenario.seed, report=report)
    plans = cache / "plans"
    target = plan_path(trace_digest(trace, cache=plans), mapping, scenario, plans=plans)
    if not target.is_file():
        # DuckDB takes a while to import, and a plan that is cached needs none.
        from harness.load.plan.build import build_into  # noqa: PLC0415

        build_into(target, scenario, trace, target.stem, report)
    plan = PlanFile.open(target)
    plan.require_whole()
    for note in plan.notes:
        report(f"warning: {note}")
    return plan
