"""What checks have in common: a check states what is its own, and inherits the rest."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, ClassVar

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import Need
from harness.judge.measure.protocol import COUNT, DISTRIBUTION, NEVER
from harness.scenario.phases import PHASES
from harness.scenario.setting import Setting


class _Fit:
    phases: Set[str] = frozenset(PHASES)
    """In which what it measures may begin."""
    fit_for: tuple[Need, ...] = ()
    """All that it needs of a scenario."""

    def unfit(self, setting: Setting) -> str:
        """What a scenario would need for this check to show anything; "" where it has that."""
        return ", and ".join(need.condition for need in self.fit_for if need.lacking(setting))


class DistributionCheck(_Fit):
    """Measures values. It has a limit only where a scenario sets one."""

    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()


class SafetyCheck(_Fit):
    """Counts what is wrong, of which there must be nothing, whether or not a scenario says so."""

    unit: str = ""
    aggregates: Set[str] = COUNT
    default_thresholds: tuple[str, ...] = NEVER


class CountingCheck(SafetyCheck):
    """A safety check whose count is that of the rows of a query."""

    name: str
    wrong: str
    """The query of what is wrong. Its rows are kept as the table ``wrong_<name>``."""
    parameters: ClassVar[Mapping[str, object]] = {}
    """Of ``wrong``."""
    counted: str = "count(*)"
    """How the rows of that table are counted: ``sum(copies - 1)``."""
    judged: str
    """The query of how many there are that could be wrong."""
    nothing: str = ""
    """Why there is nothing to judge where that is 0; "" where 0 is no reason."""
    detail: str = ""
    """Among how many: ``of {:,} events``."""
    shown: str
    """The query of a few rows of that table, ``$limit`` of them at most."""
    example: str
    """What is shown of such a row."""

    def prepare(self, history: History) -> str:
        """Derive what the queries read. Returns why this history cannot be judged; "" where it can."""
        return ""

    def describe(self, row: Mapping[str, Any]) -> str:
        """One thing that is wrong, in words."""
        return self.example.format_map(row)

    def measure(self, history: History) -> Measurement:
        """How much is wrong."""
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
