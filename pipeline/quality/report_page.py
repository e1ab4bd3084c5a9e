"""Renders a day's quality report as one self-contained HTML file, without network access or scripts."""

from __future__ import annotations

import base64
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.quality.day_report import DayReport
from pipeline.quality.formatting import ORDER, number, observed, ordered
from pipeline.quality.report_plots import scores, shares, volume

_VERDICTS: Final = {
    "promoted": "Every gate that the day came to let it through.",
    "quarantined": "An error was found. The day is kept in quarantine; what was promoted before stays.",
    "not evaluated": "The data was not checked, so nothing is known about its quality.",
}


def render(report: DayReport) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=PackageLoader("pipeline.quality"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": number, "observed": observed, "image": _image, "ordered": ordered}
    outcomes = [outcome for gate in report.gates for outcome in gate.outcomes]
    silver = [o for gate in report.gates if gate.layer == "silver" for o in gate.outcomes]
    percents = [o for o in silver if o.kind in {"nulls", "references"} and (o.high or o.observed)]
    volumes = [o for o in silver if o.kind == "volume"]
    page: str = environment.get_template("quality.html.j2").render(
        report=report,
        summary=_VERDICTS[report.verdict],
        outcomes=outcomes,
        counts={state: sum(o.state == state for o in outcomes) for state in ORDER},
        stopped_by=[o for gate in report.gates for o in gate.stopped_by],
        warnings=[o for gate in report.gates for o in gate.warnings],
        volume=volume(report.daily_rows, report.day, volumes) if report.daily_rows else "",
        shares=shares(percents) if any(o.observed is not None for o in percents) else "",
        scores=scores(report.forest.histogram, report.forest.options.flagged_from)
        if report.forest and report.forest.flagged is not None
        else "",
    )
    return page


def _image(svg: str) -> str:
    """Return a data URL. As an image, an SVG can neither run scripts nor load anything."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
