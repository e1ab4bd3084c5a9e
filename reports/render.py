"""Renders a run as one self-contained HTML file, without network access or scripts."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.base.errors import RunError
from harness.base.files import write_atomically
from harness.history.latencies import Latencies, read_latencies
from harness.history.reader import History
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import Finding, Verdict
from harness.scenario.model import Load
from reports.figures import figures
from reports.latency_figures import latency_rows, percentile_plot, unanswered

PAGE: Final = "report.html"

_ALTERED: Final = Latencies(histograms={}, problems=("altered since they were recorded, and not shown",))
_THOUSAND: Final = 1000
_HOUR_S: Final = 3600


def render(run_dir: Path, history: History, judgement: Judgement) -> Path:
    """Write ``report.html`` to a judged run's folder and return its path.

    Raises ``RunError`` if it cannot be written.
    """
    altered = "latency" in history.damaged
    latencies = _ALTERED if altered else read_latencies(run_dir / "history")
    page = run_dir / PAGE
    try:
        write_atomically(page, _html(history, judgement, latencies).encode())
    except OSError as error:
        raise RunError(f"{page} cannot be written: {error}") from error
    return page


def _html(history: History, judgement: Judgement, latencies: Latencies) -> str:
    environment = Environment(
        loader=PackageLoader("reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"observed": observed, "number": number, "image": _image}
    page: str = environment.get_template("run.html.j2").render(
        judgement=judgement,
        counts=counted(judgement.findings),
        info=history.info,
        scenario=history.scenario,
        facts=_facts(history, judgement),
        figures=figures(history),
        latencies=latency_rows(latencies),
        unanswered=unanswered(latencies),
        latency_problems=latencies.problems,
        percentiles=percentile_plot(latencies) if latencies.kinds else "",
    )
    return page


def counted(findings: Sequence[Finding]) -> Mapping[Verdict, int]:
    """Return the number of findings per verdict, without verdicts that none has."""
    counts = {verdict: sum(f.verdict is verdict for f in findings) for verdict in Verdict}
    return {verdict: count for verdict, count in counts.items() if count}


def observed(finding: Finding) -> str:
    """Format what was observed with its unit: ``1,234``, ``12.3 ms``, ``never``, or a dash."""
    if finding.observed is None or not math.isfinite(finding.observed):
        return "never" if finding.verdict is Verdict.FAIL else "–"  # noqa: RUF001 -- a dash, for people
    return f"{number(finding.observed)} {finding.unit}".rstrip()


def number(value: float | None) -> str:
    """Format a number with no more digits than people read."""
    if value is None or not math.isfinite(value):
        return "never"
    if value == int(value) or abs(value) >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def _facts(history: History, judgement: Judgement) -> Mapping[str, str]:
    load = history.scenario.load
    facts = {
        "scenario": judgement.scenario,
        "run": judgement.run_id,
        "seed": str(judgement.seed),
        "commit": judgement.commit,
        "ended": judgement.ended,
        "trace": load.trace.name,
        "load": _load(load),
        "profile": _profile(load),
    }
    if history.workers:
        facts["joined"] = "; ".join(map(str, history.workers))
    if history.info is not None:
        facts |= {"started": history.info.started_at, "platform": history.info.topology_summary}
        if history.info.platform_ready_s is not None:
            facts["platform ready after"] = f"{history.info.platform_ready_s:.1f} s"
    return facts


def _load(load: Load) -> str:
    """Describe the load: how much of what, how long, and by how many producers."""
    senders = f"{load.processes} x {load.users}" if load.processes > 1 else f"{load.users}"
    if load.path == "record_batches":
        return f"record batches for {load.duration:g} s, by {senders} producers"
    if load.path == "computed":
        return f"events computed as they are sent for {load.duration:g} s, by {senders} producers"
    return f"{load.event_span / _HOUR_S:.3g} h of events in {load.duration:g} s, by {senders} producers"


def _profile(load: Load) -> str:
    """Describe the profile: ``ramp, start 0, end 5,000; poisson arrivals``."""
    if load.is_flood:
        return "none: as fast as the platform accepts it"
    fields = {name: value for name, value in load.profile.model_dump().items() if name != "kind"}
    parts = [load.profile.kind, *(f"{name} {_plain(value)}" for name, value in fields.items())]
    return ", ".join(parts) + ("" if load.curve is None else f"; {load.arrivals} arrivals")


def _plain(value: float | tuple[float, ...]) -> str:
    return " ".join(map(number, value)) if isinstance(value, tuple) else number(value)


def _image(svg: str) -> str:
    """Return a data URL. As an image, an SVG can neither run scripts nor load anything."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
