"""Reads the traces of scenarios as planning would, to report their faults without making a plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.artifacts import is_cached
from harness.base.errors import InvalidInput, Problem
from harness.base.report import Report
from harness.load.plan.build import build_folder, read_source
from harness.load.plan.cached import plan_path
from harness.load.plan.file import PlanFile
from harness.load.traces.mapping import Mapping, as_json, read_mapping
from harness.load.traces.source import trace_digest, trace_of
from harness.load.traces.trace import Trace, opened
from harness.scenario.model import Scenario

_LARGE_BYTES: Final = 2**26
"""Reading is announced from this size on, because it takes a while."""


def check_traces(scenarios: Sequence[Scenario], *, cache: Path, report: Report) -> tuple[str, ...]:
    """Return warnings about the traces of scenarios. Raises InvalidInput with all their faults.

    A trace that several scenarios read in the same way is read once; one with a cached plan is not read. A
    missing data set is not fetched: a run does that, and reports its faults then.
    """
    checks = _Checks(plans=cache / "plans", report=report)
    problems: list[Problem] = []
    notes: list[str] = []
    for scenario in scenarios:
        try:
            notes += checks.notes_of(scenario)
        except InvalidInput as refused:
            problems += refused.problems
    if problems:
        raise InvalidInput(tuple(dict.fromkeys(problems)))
    return tuple(dict.fromkeys(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checks:
    plans: Path
    report: Report
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The notes of the valid traces read so far, keyed by everything that affects reading them."""

    def notes_of(self, scenario: Scenario) -> tuple[str, ...]:
        mapping, document = read_mapping(scenario.load.trace)
        if not isinstance(mapping, Mapping):
            return ()
        if mapping.artifact is not None and not is_cached(mapping.artifact.package):
            return ()
        trace = trace_of(mapping, document, scenario.load.trace, seed=scenario.seed, report=self.report)
        if not isinstance(trace, Trace):
            raise TypeError("a mapping of files must have a trace of files")
        digest = trace_digest(trace, cache=self.plans)
        planned = plan_path(digest, mapping, scenario, plans=self.plans)
        if planned.is_file():
            return PlanFile.open(planned).notes
        curve = scenario.load.arrangement
        events = scenario.load.events if curve is None else curve.events
        key = json.dumps([digest, as_json(mapping), scenario.load.event_span, events, curve is None])
        if key not in self._known:
            self._known[key] = self._read(trace, scenario)
        return self._known[key]

    def _read(self, trace: Trace, scenario: Scenario) -> tuple[str, ...]:
        size = sum(path.stat().st_size for path in trace.paths)
        if size >= _LARGE_BYTES:
            named = str(trace.paths[0]) if len(trace.paths) == 1 else f"{len(trace.paths)} files"
            self.report(f"reading {named}, {size / 2**20:,.0f} MiB")
        with build_folder(self.plans, self.report) as folder, opened(trace, folder) as (database, files):
            return read_source(database, files, trace, scenario).notes
