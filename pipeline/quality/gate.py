"""The gate after a layer: checks one day of a table against its rules before the day is promoted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

from pipeline.contract.odcs import DataContract
from pipeline.contract.quality import NONE, Unmatched
from pipeline.quality.examples import Example, examples
from pipeline.quality.expectations import Judgement, judge
from pipeline.quality.measures import GateContext, Measurement, measure, with_matches
from pipeline.quality.result import GateResult, Outcome, State
from pipeline.quality.table_rules import KINDS, Rule, Total, fields_of, identity_of, rules_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The rules of one table."""

    table: str
    rules: tuple[Rule, ...]
    identity: tuple[str, ...]
    mode: Literal["evaluate", "skip"] = "evaluate"
    """``skip`` is a planted fault: nothing is checked, everything is promoted, and the result says so."""

    @staticmethod
    def of(table: str, contract: DataContract, mode: Literal["evaluate", "skip"] = "evaluate") -> Gate:
        """Return the gate of a lake table. Raises ContractError for a table without rules."""
        rules = rules_of(table, contract)
        return Gate(table=table, rules=rules, identity=identity_of(table, contract), mode=mode)

    def evaluate(self, frame: DataFrame, day: date, context: GateContext) -> GateResult:
        """Judge the rows of a day in one pass, and collect examples of violations in a second.

        A rule that cannot be measured is not evaluated, and keeps the day back if it is an error. Spark's
        errors that are unrelated to the shape of the data propagate.
        """
        if self.mode == "skip":
            return self._not_evaluated(day, "the gate was set to skip")
        obstacles = {rule.id: _obstacle(rule, frame, context) for rule in self.rules}
        measurable = [rule for rule in self.rules if not obstacles[rule.id]]
        try:
            matched = with_matches(frame, measurable, context.references)
            measured = measure(matched, measurable, day, context)
        except AnalysisException as error:
            return self._not_evaluated(day, f"Spark cannot measure it: {str(error).partition(chr(10))[0]}")
        found = {**{rule: Measurement(why=why) for rule, why in obstacles.items()}, **measured.by_rule}
        judged = judge(measurable, {rule: m.value for rule, m in found.items() if m.value is not None})
        failed = [rule for rule in measurable if rule.id in judged and not judged[rule.id].success]
        shown = _examples(matched, failed, self.identity)
        outcomes = [
            _outcome(rule, found[rule.id], judged.get(rule.id), shown.get(rule.id, ())) for rule in self.rules
        ]
        return self._result(day, measured.rows, outcomes)

    def _not_evaluated(self, day: date, why: str) -> GateResult:
        return self._result(day, None, [_outcome(rule, Measurement(why=why), None) for rule in self.rules])

    def _result(self, day: date, rows: int | None, outcomes: Sequence[Outcome]) -> GateResult:
        return GateResult(
            layer=self.table.partition("/")[0],
            table=self.table,
            day=day,
            mode=self.mode,
            rows=rows,
            outcomes=tuple(outcomes),
        )


def _obstacle(rule: Rule, frame: DataFrame, context: GateContext) -> str:
    """Return why a rule cannot be measured; "" if it can."""
    lacking = [field for field in fields_of(rule) if field not in frame.columns]
    if lacking:
        return f"the table has no column {', '.join(lacking)}"
    if isinstance(rule, Total) and rule.of not in context.source_rows:
        return f"the rows of {rule.of} are not known"
    if isinstance(rule, Unmatched):
        table = context.references.get(rule.table)
        if table is None:
            return f"there is no reference table {rule.table}"
        if rule.column not in table.columns:
            return f"the reference table {rule.table} has no column {rule.column}"
    return ""


def _examples(
    frame: DataFrame, failed: Iterable[Rule], identity: Sequence[str]
) -> Mapping[str, tuple[Example, ...]]:
    """Return examples by rule. A warning and an error on the same field share theirs."""
    plain = {rule.id: replace(rule, id="", severity="error", description="", limits=NONE) for rule in failed}
    different = tuple(dict.fromkeys(plain.values()))
    found = dict(zip(different, examples(frame, different, identity), strict=True))
    return {rule: found[alike] for rule, alike in plain.items()}


def _outcome(
    rule: Rule, measurement: Measurement, judgement: Judgement | None, shown: tuple[Example, ...] = ()
) -> Outcome:
    kind, unit = KINDS[type(rule)]
    return Outcome(
        rule=rule.id,
        kind=kind,
        subject=", ".join(fields_of(rule)) or "the table",
        severity=rule.severity,
        dimension=rule.dimension,
        description=rule.description,
        state=_state(measurement, judgement),
        observed=measurement.value,
        limit=str(rule.limits),
        low=rule.limits.low,
        high=rule.limits.high,
        unit=unit,
        why=measurement.why or (judgement.problem if judgement else ""),
        examples=shown,
    )


def _state(measurement: Measurement, judgement: Judgement | None) -> State:
    if not measurement.applicable:
        return "not_applicable"
    if judgement is None or judgement.problem:
        return "not_evaluated"
    return "passed" if judgement.success else "failed"
