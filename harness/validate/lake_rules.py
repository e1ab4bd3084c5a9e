"""Rules for a scenario's lake stage beyond its types: whole days, and the order of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.base.errors import Problem
from harness.scenario.lake_steps import DAY_S, Drop, LakeStage, Register, Rerun, RunDays, Step
from harness.validate.draft import Draft
from pipeline.contract.derive import event_contract

_STEPS_MAX: Final = 200
_PARQUET_ALONE: Final = ("narrowed_type", "truncated")
"""Text files declare no types, and a truncated text file is still a text file."""


def lake_rules(draft: Draft) -> Iterator[Problem]:
    """Yield every violation in the section that the well-formed sections show."""
    if draft.lake is None:
        yield from _missing(draft)
        return
    if not 1 <= len(draft.lake.steps) <= _STEPS_MAX:
        found = f"{len(draft.lake.steps)} steps"
        yield draft.problem(("lake", "steps"), found, f"1 to {_STEPS_MAX}")
    elif not any(isinstance(step, RunDays) for step in draft.lake.steps):
        allowed = "a step of the kind run, or no day reaches a table"
        yield draft.problem(("lake", "steps"), "no run", allowed)
    if draft.load is not None:
        days, rest_s = divmod(draft.load.event_span, DAY_S)
        if not days or rest_s:
            found = f"{draft.load.event_span:g} s"
            yield draft.problem(("load", "event_span"), found, "whole days, where there is a lake stage")
        else:
            yield from _days(draft, draft.lake, int(days))
    yield from _order(draft, draft.lake.steps)
    yield from _files(draft, draft.lake.steps)
    yield from _quarantined(draft, draft.lake)


def _quarantined(draft: Draft, stage: LakeStage) -> Iterator[Problem]:
    run = sorted({day for step in stage.steps if isinstance(step, RunDays) for day in step.days})
    for n, day in enumerate(stage.expect_quarantined):
        place = ("lake", "expect_quarantined", n)
        if day not in run:
            allowed = f"a day that a step runs: {', '.join(map(str, run)) or 'none is run'}"
            yield draft.problem(place, str(day), allowed)
        elif day in stage.expect_quarantined[:n]:
            yield draft.problem(place, f"{day} again", "each day once")


def _missing(draft: Draft) -> Iterator[Problem]:
    """Refuse a lake that nothing fills now, instead of failing to judge it after the run."""
    deployed = draft.pipeline is not None and "lake" in draft.pipeline.deploy
    if deployed and draft.document.get("lake") is None:
        yield draft.problem(("lake",), "missing", "a lake stage, as pipeline.deploy has lake")


def _days(draft: Draft, stage: LakeStage, days: int) -> Iterator[Problem]:
    for n, step in enumerate(stage.steps):
        for day in _days_of(step):
            if day > days:
                place = ("lake", "steps", n, "day" if isinstance(step, Drop) else "days")
                yield draft.problem(place, str(day), f"a day of the load, which has {days}")


def _days_of(step: Step) -> Sequence[int]:
    match step:
        case Drop():
            return (step.day,)
        case RunDays() | Rerun():
            return step.days
        case Register():
            return ()


def _order(draft: Draft, steps: Sequence[Step]) -> Iterator[Problem]:
    """Days run once and in order; only days already run are rerun; only registered fields are added."""
    ran: set[int] = set()
    fields = {field.name for field in event_contract().properties}
    for n, step in enumerate(steps):
        place = ("lake", "steps", n)
        match step:
            case RunDays():
                for day in step.days:
                    if ran and day <= max(ran):
                        allowed = f"a day after {max(ran)}, which has been run; `rerun` runs one again"
                        yield draft.problem((*place, "days"), str(day), allowed)
                    ran.add(day)
                for day in sorted(set(step.scans) - ran):
                    yield draft.problem((*place, "scans"), str(day), "a day run by then")
            case Rerun():
                for day in sorted(set(step.days) - ran):
                    yield draft.problem((*place, "days"), str(day), "a day that was run before")
            case Register():
                if step.field in fields:
                    yield draft.problem((*place, "field"), step.field, "a new field")
                fields.add(step.field)
            case Drop():
                for name in sorted(set(step.added) - fields):
                    yield draft.problem((*place, "added"), name, "a field that `register` added before")


def _files(draft: Draft, steps: Sequence[Step]) -> Iterator[Problem]:
    for n, step in enumerate(steps):
        if isinstance(step, Drop) and step.damage in _PARQUET_ALONE and step.format != "parquet":
            allowed = f"none or another, or format: parquet, the only one that can be {step.damage}"
            yield draft.problem(("lake", "steps", n, "damage"), step.damage, allowed)
