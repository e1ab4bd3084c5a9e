"""Base classes of checks."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, ClassVar

from harness.history.reader import History
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import Need
from harness.judge.measure.protocol import COUNT, DISTRIBUTION, NEVER
from harness.scenario.phases import PHASES
from harness.scenario.setting import Setting


class _Fit:
    phases: Set[str] = frozenset(PHASES)
    """The phases in which a measured interval may begin."""
    fit_for: tuple[Need, ...] = ()
    """What it needs of a scenario."""

    def unfit(self, setting: Setting) -> str:
        """Return what the scenario lacks for this check; "" if nothing."""
        return ", and ".join(need.condition for need in self.fit_for if need.lacking(setting))


class DistributionCheck(_Fit):
    """Measures values. It has a limit only where a scenario sets one."""

    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()


class SafetyCheck(_Fit):
    """Counts what is wrong. The count must be 0, whether or not a scenario says so."""

    unit: str = ""
    aggregates: Set[str] = COUNT
    default_thresholds: tuple[str, ...] = NEVER


class CountingCheck(SafetyCheck):
    """A safety check that counts the rows of a query."""

    name: str
    wrong: str
    """The query that finds what is wrong. Its rows become the table ``wrong_<name>``."""
    parameters: ClassVar[Mapping[str, object]] = {}
    """Query parameters of ``wrong``."""
    counted: str = "count(*)"
    """The aggregate over that table, e.g. ``sum(copies - 1)``."""
    judged: str
    """The query that counts how many could be wrong."""
    nothing: str = ""
    """Why nothing can be judged when that is 0; "" if 0 is acceptable."""
    detail: str = ""
    """The total, e.g. ``of {:,} events``."""
    shown: str
    """The query of at most ``$limit`` example rows of that table."""
    example: str
    """The format of an example row."""

    def prepare(self, history: History) -> str:
        """Derive what the queries read. Return why this history cannot be judged; "" if it can."""
        return ""

    def describe(self, row: Mapping[str, Any]) -> str:
        """Describe one example row."""
        return self.example.format_map(row)

    def measure(self, history: History) -> Measurement:
        """Count what is wrong."""
        if why := self.prepare(history):
            return Unjudged(reason=why)
        table = f"wrong_{self.name}"
        history.derive(table, self.wrong, self.parameters or None)
        judged = history.value(self.judged)
        if not judged and self.nothing:
            return Unjudged(reason=self.nothing)
        return Count(
            value=history.value(f"SELECT coalesce({self.counted}, 0)::BIGINT FROM {table}"),  # noqa: S608
            detail=self.detail.format(judged),
            examples=examples(history, self.shown, self.describe),
        )
