"""The figures of an earlier run, for limits such as ``p(99) < 1.1 * baseline``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.judge.judgement import Judgement, Summary
from harness.judge.measure.finding import WHOLE_RUN
from harness.judge.measure.measurement import least_count
from harness.scenario.thresholds import Threshold


class NoBaseline(Exception):
    """Why a limit cannot be compared with a baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The measurements of the run that others are compared with."""

    run_id: str
    measured: Mapping[tuple[str, str], Summary]
    """By check and phase."""
    doubt: str = ""
    """Why it cannot serve for comparison; "" if it can."""

    @staticmethod
    def of(judgement: Judgement) -> Baseline:
        """Build the baseline of a judged run; it is usable only if the run was recorded completely."""
        ended = "" if judgement.ended == "complete" else f"run {judgement.run_id} did not complete"
        damaged = f"part of the history of run {judgement.run_id} is lost" if judgement.problems else ""
        return Baseline(
            run_id=judgement.run_id,
            measured={(summary.name, summary.phase): summary for summary in judgement.measured},
            doubt=ended or damaged,
        )

    def figure(self, check: str, limit: Threshold) -> float:
        """Return the figure that the limit is a multiple of, in the limit's unit.

        Raises NoBaseline when the run has no usable figure.
        """
        if self.doubt:
            raise NoBaseline(self.doubt)
        phase = ",".join(limit.phases) or WHOLE_RUN
        of = f"{limit.aggregate} of {check} in {phase}"
        summary = self.measured.get((check, phase))
        figure = None if summary is None else _aggregates(summary).get(limit.aggregate)
        if summary is None or figure is None or not math.isfinite(figure):
            raise NoBaseline(f"run {self.run_id} has no {of}")
        if limit.percentile is not None and summary.count < (needed := least_count(limit.percentile)):
            raise NoBaseline(
                f"run {self.run_id} has {summary.count:,} values for {of}, which needs {needed:,}"
            )
        if figure <= 0 or (limit.unit and summary.unit != limit.unit):
            raise NoBaseline(
                f"run {self.run_id} has {figure:g} {summary.unit} as {of}, which cannot serve as a baseline"
            )
        return figure


def _aggregates(summary: Summary) -> Mapping[str, float | None]:
    return {
        "p(50)": summary.p50,
        "p(95)": summary.p95,
        "p(99)": summary.p99,
        "max": summary.max,
        "min": summary.min,
        "mean": summary.mean,
        "rate": summary.mean,
        "count": summary.count,
    }
