"""Translates quality rules to Great Expectations, which judges the measurements of a day.

One row, with one column per rule, holds what Spark measured in one pass over the day; each rule is an
expectation on its column. Great Expectations can measure on Spark by itself, with the same results, but that
takes four passes over the rows, and another query for each expectation that reports what it observed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import great_expectations as gx
import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.expect_column_values_to_be_between import (
    ExpectColumnValuesToBeBetween,
)
from great_expectations.expectations.metadata_types import FailureSeverity

from pipeline.quality.table_rules import Rule

_ALONE: Final = threading.Lock()
"""Great Expectations treats the context created last as global."""
_SEVERITIES = {"error": FailureSeverity.CRITICAL, "warning": FailureSeverity.WARNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The result of one expectation."""

    success: bool
    problem: str = ""
    """Why it could not be evaluated."""


def expectation(rule: Rule) -> ExpectColumnValuesToBeBetween:
    """Translate a rule: the column with its id is within its limits."""
    limits = rule.limits
    return ExpectColumnValuesToBeBetween(
        column=rule.id,
        min_value=limits.low,
        max_value=limits.high,
        strict_min=not limits.inclusive and limits.low is not None,
        strict_max=not limits.inclusive and limits.high is not None,
        severity=_SEVERITIES[rule.severity],
        description=rule.description,
        meta={"rule": rule.id, "dimension": rule.dimension},
    )


def judge(rules: Sequence[Rule], measured: Mapping[str, float]) -> Mapping[str, Judgement]:
    """Evaluate the rules that have a measurement, by their ids.

    Great Expectations accepts missing values, so rules without a measurement are left out.
    """
    measurable = [rule for rule in rules if rule.id in measured]
    if not measurable:
        return {}
    with _ALONE:
        return _judge(measurable, measured)


def _judge(rules: Sequence[Rule], measured: Mapping[str, float]) -> Mapping[str, Judgement]:
    # Ephemeral: no folder of the user is read or written.
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    row = pd.DataFrame([{rule.id: float(measured[rule.id]) for rule in rules}])
    asset = context.data_sources.add_pandas("gate").add_dataframe_asset("measured")
    batch = asset.add_batch_definition_whole_dataframe("day").get_batch({"dataframe": row})
    suite = gx.ExpectationSuite(name="rules", expectations=[expectation(rule) for rule in rules])
    found = batch.validate(suite, result_format="BASIC")
    return dict(map(_judgement, found.results))


def _judgement(result: ExpectationValidationResult) -> tuple[str, Judgement]:
    assert result.expectation_config is not None  # noqa: S101 -- every result of a suite has its expectation
    rule = result.expectation_config.meta["rule"]
    problem = _problem(result.exception_info or {})
    seen = result.result.get("element_count", 0) - result.result.get("missing_count", 0)
    if not problem and seen != 1:
        problem = "Great Expectations saw no value"
    return rule, Judgement(success=bool(result.success) and not problem, problem=problem)


def _problem(info: Mapping[str, object]) -> str:
    """Return the first exception; Great Expectations nests several by metric, or gives one flat."""
    entries = [info, *(each for each in info.values() if isinstance(each, dict))]
    messages = [str(each["exception_message"]) for each in entries if each.get("raised_exception")]
    return messages[0] if messages else ""
