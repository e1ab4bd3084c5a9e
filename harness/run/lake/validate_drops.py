"""Whether each day of a plan has the events that partners' files are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.errors import InvalidInput, Problem
from harness.run.lake.partner_files import DAY_MS, is_takeable
from harness.scenario.lake_steps import Drop, LakeStage


def require_events(stage: LakeStage, plan: Path, *, scenario: str) -> None:
    """Raises InvalidInput with every file that is to have more events than its day has."""
    if problems := list(_problems(stage, _events_by_day(plan), scenario)):
        raise InvalidInput(problems)


def _problems(stage: LakeStage, events: Mapping[int, int], scenario: str) -> Iterator[Problem]:
    for n, step in enumerate(stage.steps):
        if isinstance(step, Drop) and step.rows > events.get(step.day, 0):
            yield Problem(
                where=f"{scenario}: lake.steps[{n}].events",
                found=f"{step.rows:,} with duplicates, out of day {step.day}",
                allowed=f"at most {events.get(step.day, 0):,}, the load's valid events of that day in time",
            )


def _events_by_day(plan: Path) -> Mapping[int, int]:
    """Of each day, from 1, how many events a file can be made of."""
    planned = pq.read_table(plan, columns=["kind", "late", "event_offset_ms"])
    offsets_ms = planned.filter(is_takeable(planned))["event_offset_ms"]
    counts = pc.value_counts(pc.divide(offsets_ms, DAY_MS)).to_pylist()
    return {count["values"] + 1: count["counts"] for count in counts}
