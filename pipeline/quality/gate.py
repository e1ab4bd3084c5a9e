"""The gate behind a layer: holds one day of a table against its rules before the day is promoted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

from pipeline.contract.odcs import DataContract
from pipeline.contract.quality import NONE, Unmatched
from pipeline.quality.context import GateContext
from pipeline.quality.examples import Example, examples
from pipeline.quality.expectations import Judgement, judge
from pipeline.quality.measures import Measurement, measure, with_matches
from pipeline.quality.result import GateResult, Outcome, State
from pipeline.quality.rules import KINDS, Rule, Total, fields_of, identity_of, rules_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The rules of one table."""

    table: str
    rules: tuple[Rule, ...]
    identity: tuple[str, ...]
    mode: Literal["evaluate", "skip"] = "evaluate"
    """``skip`` is a planted fault: nothing is looked at, everything is promoted, and the result says so."""

    @staticmethod
    def of(table: str, contract: DataContract, mode: Literal["evaluate", "skip"] = "evaluate") -> Gate:
        """The gate of a table of the lake. Raises ContractError for a table that has none."""
        rules = rules_of(table, contract)
        return Gate(table=table, rules=rules, identity=identity_of(table, contract), mode=mode)

    def evaluate(self, frame: DataFrame, day: date, context: GateContext) -> GateResult:
        """Judge the rows of a day, in one pass over them, and one more for examples of what breaks rules.

        What cannot be measured is not evaluated, and keeps the day back if the rule is an error. Errors of
        Spark that have nothing to do with the shape of the data come as they are.
        """
        if self.mode == "skip":
            return self._unseen(day, "the gate was told to skip")
        in_the_way = {rule.id: _in_the_way(rule, frame, context) for rule in self.rules}
        able = [rule for rule in self.rules if not in_the_way[rule.id]]
        try:
            matched = with_matches(frame, able, context.references)
            measured = measure(matched, able, day, context)
        except AnalysisException as error:
            return self._unseen(day, f"Spark cannot measure it: {str(error).partition(chr(10))[0]}")
        found = {**{rule: Measurement(why=why) for rule, why in in_the_way.items()}, **measured.by_rule}
        judged = judge(able, {rule: m.value for rule, m in found.items() if m.value is not None})
        failed = [rule for rule in able if rule.id in judged and not judged[rule.id].success]
        shown = _shown(matched, failed, self.identity)
        outcomes = [
            _outcome(rule, found[rule.id], judged.get(rule.id), shown.get(rule.id, ())) for rule in self.rules
        ]
        return self._result(day, measured.rows, outcomes)

    def _unseen(self, day: date, why: str) -> GateResult:
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


def _in_the_way(rule: Rule, frame: DataFrame, context: GateContext) -> str:
    """Why a rule cannot be measured; nothing when it can."""
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


def _shown(
    frame: DataFrame, failed: Iterable[Rule], identity: Sequence[str]
) -> Mapping[str, tuple[Example, ...]]:
    """Examples by rule. A warning and an error of the same field share theirs."""
    looks = {rule.id: replace(rule, id="", severity="error", description="", limits=NONE) for rule in failed}
    different = tuple(dict.fromkeys(looks.values()))
    found = dict(zip(different, examples(frame, different, identity), strict=True))
    return {rule: found[look] for rule, look in looks.items()}


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
