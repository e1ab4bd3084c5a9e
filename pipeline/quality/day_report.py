"""A day's quality report as a value, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from pipeline.base.errors import PipelineError
from pipeline.quality.forest_summary import ForestSummary
from pipeline.quality.outliers import Outliers
from pipeline.quality.result import GateResult, RefusedFile

SCHEMA_VERSION: Final = 1
DayVerdict = Literal["promoted", "quarantined", "not evaluated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """Everything that is reported about the quality of one day."""

    day: date
    gates: tuple[GateResult, ...]
    """In the order of the layers that the day reached."""
    daily_rows: Mapping[date, int]
    """Rows of Silver on this day and the days before it."""
    refused_files: tuple[RefusedFile, ...] = ()
    rejects: Mapping[str, int] = field(default_factory=dict)
    """Rows that Silver rejected, by reason."""
    sample: str = ""
    """Describes the sample that was searched for outliers."""
    outliers: tuple[Outliers, ...] = ()
    forest: ForestSummary | None = None

    @property
    def verdict(self) -> DayVerdict:
        """Quarantined if any gate says so; not evaluated if a gate was skipped or there was none."""
        if any(gate.verdict == "quarantined" for gate in self.gates):
            return "quarantined"
        if not self.gates or any(gate.mode == "skip" for gate in self.gates):
            return "not evaluated"
        return "promoted"


_REPORT: Final = TypeAdapter(DayReport)


def to_json(report: DayReport) -> bytes:
    """Return indented JSON that includes the derived verdicts."""
    raw = _REPORT.dump_python(report, mode="json")
    for gate, written in zip(report.gates, raw["gates"], strict=True):
        written["verdict"] = gate.verdict
    document = {"schema_version": SCHEMA_VERSION, "verdict": report.verdict, **raw}
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False).encode()


def from_json(text: bytes) -> DayReport:
    """Read what ``to_json`` wrote. Raises PipelineError for anything else, or for another version."""
    try:
        raw: Any = json.loads(text)
    except ValueError as error:
        raise PipelineError(f"this is no quality report: {error}") from error
    if not isinstance(raw, dict):
        raise PipelineError(f"this is no quality report, but a {type(raw).__name__}; allowed: an object")
    version = raw.get("schema_version")
    if version != SCHEMA_VERSION:
        raise PipelineError(
            f"a quality report of version {version}; allowed: {SCHEMA_VERSION}; run the day again"
        )
    try:
        return _REPORT.validate_python(raw)
    except ValidationError as error:
        raise PipelineError(f"this is no quality report: {error}") from error
