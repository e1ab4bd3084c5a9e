"""A plan's key: the digest of everything that it is derived from, the code that derives it included."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from harness.load.traces.mapping import AnyMapping, as_json
from harness.load.traces.rules import contract_rules
from harness.scenario.model import Scenario

_CODE: Final = (
    "generate/events.py",
    "generate/model.py",
    "generate/popularity.py",
    "generate/sessions.py",
    "generate/table.py",
    "murmur2.py",
    "plan/arranged.py",
    "plan/build.py",
    "plan/closing.py",
    "plan/damage.py",
    "plan/event_size.py",
    "plan/file.py",
    "plan/mixing.py",
    "plan/payload.py",
    "traces/columns.py",
    "traces/container.py",
    "traces/faults.py",
    "traces/fields.py",
    "traces/files.py",
    "traces/lines.py",
    "traces/parquet.py",
    "traces/rules.py",
    "traces/sql.py",
    "traces/times.py",
    "traces/trace.py",
    "traces/trace_file.py",
)
"""The files that decide what is in a plan, beside the profiles."""
_LIBRARIES: Final = ("duckdb", "numpy", "pyarrow")
"""Whose versions decide it besides: numpy does not promise the same random numbers from each version."""


def plan_key(*, trace_digest: str, mapping: AnyMapping, scenario: Scenario) -> str:
    """The same key, the same plan; and a change of anything that matters changes the key."""
    parts = {
        "code": _code_digest(),
        "contract": [repr(rule) for rule in contract_rules()],
        "trace": trace_digest,
        "mapping": as_json(mapping),
        "events": scenario.load.events,
        "profile": None if scenario.load.path == "replay" else scenario.load.profile.model_dump(),
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
    here = Path(__file__).parents[1]
    for file in (*(here / name for name in _CODE), *sorted((here / "profiles").glob("*.py"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()
