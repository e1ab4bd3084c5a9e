"""The plan of a scenario, from the cache or built into it.

A plan's name is its key: the digest of everything that it is derived from, including the code.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from harness.base.report import Report
from harness.load.contract_rules import contract_rules
from harness.load.plan.file import PlanFile
from harness.load.traces.mapping import AnyMapping, as_json, read_mapping
from harness.load.traces.source import trace_digest, trace_of
from harness.scenario.model import Scenario

CODE: Final = (
    "load/contract_rules.py",
    "load/murmur2.py",
    "load/plan/arranged.py",
    "load/plan/build.py",
    "load/plan/closing.py",
    "load/plan/damage.py",
    "load/plan/event_size.py",
    "load/plan/file.py",
    "load/plan/mixing.py",
    "load/plan/payload.py",
    "load/traces/columns.py",
    "load/traces/container.py",
    "load/traces/faults.py",
    "load/traces/fields.py",
    "load/traces/files.py",
    "load/traces/generate/draws.py",
    "load/traces/generate/events.py",
    "load/traces/generate/model.py",
    "load/traces/lines.py",
    "load/traces/parquet.py",
    "load/traces/sql.py",
    "load/traces/times.py",
    "load/traces/trace.py",
    "load/traces/trace_file.py",
    "history/plan_schema.py",
)
"""The files under harness/ that determine a plan, in addition to the profiles."""
_LIBRARIES: Final = ("duckdb", "numpy", "pyarrow")
"""Libraries whose versions matter too: numpy may draw different random numbers across versions."""


def build_plan(scenario: Scenario, *, cache: Path, report: Report) -> PlanFile:
    """Return the scenario's plan, building it unless it is cached.

    Raises InvalidInput with all faults of the mapping or the trace, ``ArtifactError`` if a data set cannot be
    fetched, and RunError if the plan does not hold the trace.
    """
    mapping, document = read_mapping(scenario.load.trace)
    trace = trace_of(mapping, document, scenario.load.trace, seed=scenario.seed, report=report)
    plans = cache / "plans"
    target = plan_path(trace_digest(trace, cache=plans), mapping, scenario, plans=plans)
    if not target.is_file():
        # DuckDB is slow to import, and a cached plan does not need it.
        from harness.load.plan.build import build_into  # noqa: PLC0415

        build_into(target, scenario, trace, target.stem, report)
    plan = PlanFile.open(target)
    plan.require_complete()
    for note in plan.notes:
        report(f"warning: {note}")
    return plan


def plan_path(trace_digest: str, mapping: AnyMapping, scenario: Scenario, *, plans: Path) -> Path:
    """The path of a scenario's plan, whether or not it exists yet."""
    return plans / f"{plan_key(trace_digest=trace_digest, mapping=mapping, scenario=scenario)}.parquet"


def plan_key(*, trace_digest: str, mapping: AnyMapping, scenario: Scenario) -> str:
    """The key of a plan, which changes with anything that affects the plan."""
    parts = {
        "code": _code_digest(),
        "contract": [repr(rule) for rule in contract_rules()],
        "trace": trace_digest,
        "mapping": as_json(mapping),
        "events": scenario.load.events,
        "profile": None if scenario.load.path == "record_batches" else scenario.load.profile.model_dump(),
        "arrivals": scenario.load.arrivals,
        "event_span": scenario.load.event_span,
        "time_scale": scenario.load.time_scale,
        "inject": scenario.load.inject.model_dump(),
        "seed": scenario.seed,
        "partitions": scenario.pipeline.topics.partitions,
        "out_of_orderness": scenario.pipeline.stream.out_of_orderness_event_s,
        "dedup_horizon": scenario.pipeline.stream.dedup_horizon_s,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code_digest() -> str:
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in _LIBRARIES).encode())
    harness = Path(__file__).parents[2]
    profiles = sorted((harness / "scenario" / "profiles").glob("*.py"))
    for file in (*(harness / name for name in CODE), *profiles):
        digest.update(file.read_bytes())
    return digest.hexdigest()
