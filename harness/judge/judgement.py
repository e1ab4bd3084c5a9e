"""The judgement of a run: its findings and verdict, stored as ``findings.json``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from harness.base.errors import RunError
from harness.base.files import write_atomically
from harness.judge.measure.evidence import Evidence
from harness.judge.measure.finding import Finding, Verdict

FILE: Final = "findings.json"

_EXIT_CODES: Final[Mapping[Verdict, int]] = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}
_WORST_FIRST: Final = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was measured in one phase, with or without a limit. None: it never came."""

    name: str
    unit: str
    phase: str
    """``whole run``, or the name of a phase."""
    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    min: float | None
    mean: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One run, judged. ``as_expected`` is None unless the scenario says which checks must fail."""

    run_id: str
    scenario: str
    seed: int
    commit: str
    command: str
    evidence: Evidence
    ended: str
    """As in ``run.json``; ``no`` for a run that was killed."""
    verdict: Verdict
    findings: tuple[Finding, ...]
    measured: tuple[Summary, ...] = ()
    expect_fail: tuple[str, ...] = ()
    as_expected: bool | None = None
    waived: tuple[str, ...] = ()
    """The checks whose own limits the scenario waives; their findings do not count."""
    problems: tuple[str, ...] = ()
    """The parts of the history that could not be read."""

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 inconclusive; also 3 when the failed checks are not the expected ones."""
        return _EXIT_CODES[Verdict.INCONCLUSIVE if self.as_expected is False else self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Return one JSON object. Infinities and NaN become null, since JSON has neither."""
        findings = [{**asdict(f), "evidence": f.evidence.to_json()} for f in self.findings]
        written = {**asdict(self), "evidence": self.evidence.to_json(), "findings": findings}
        finite: dict[str, Any] = _finite(written)
        return finite

    def save(self, run_dir: Path) -> None:
        """Write ``findings.json`` atomically. Raises ``RunError`` if that fails."""
        try:
            write_atomically(run_dir / FILE, orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2))
        except OSError as error:
            raise RunError(f"{run_dir / FILE} cannot be written: {error}") from error

    @staticmethod
    def load(run_dir: Path) -> Judgement:
        """Read ``findings.json``. Raises ``RunError`` when the file is missing or invalid."""
        try:
            return TypeAdapter(Judgement).validate_json((run_dir / FILE).read_bytes())
        except (OSError, ValidationError) as error:
            raise RunError(f"{run_dir / FILE} cannot be read; floodmark judge makes it: {error}") from error


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the worst verdict; INCONCLUSIVE when no limit applied, since nothing was judged."""
    verdicts = {finding.verdict for finding in findings}
    return next((verdict for verdict in _WORST_FIRST if verdict in verdicts), Verdict.INCONCLUSIVE)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
