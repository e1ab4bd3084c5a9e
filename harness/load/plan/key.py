"""A plan's key: the digest of everything that it is derived from, the code that derives it included."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from harness.load.contract_rules import contract_rules
from harness.load.traces.mapping import AnyMapping, as_json
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
    "load/traces/generate/table.py",
    "load/traces/lines.py",
    "load/traces/parquet.py",
    "load/traces/sql.py",
    "load/traces/times.py",
    "load/traces/trace.py",
    "load/traces/trace_file.py",
    "history/plan_schema.py",
)
"""The files under harness/ that decide what is in a plan, besides the profiles."""
_LIBRARIES: Final = ("duckdb", "numpy", "pyarrow")
"""Their versions decide it too: numpy does not promise the same random numbers across versions."""


def plan_key(*, trace_digest: str, mapping: AnyMapping, scenario: Scenario) -> str:
    """The same key means the same plan; a change of anything that matters changes the key."""
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
