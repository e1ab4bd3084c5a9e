"""``floodmark judge``: check a recorded run's history against its scenario's limits again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer
from rich.table import Table
from rich.text import Text

from harness.cli.output import OutOption, OutputFormat, OutputOption, console, print_json
from harness.cli.recorded import LAST, RunArgument, find_run
from harness.history.reader import History
from harness.judge.judge import judge_opened
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import MAX_EXAMPLES, Finding, Verdict
from reports.render import observed, render

_STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.WAIVED: "magenta",
}


def judge(
    run: RunArgument = LAST, out: OutOption = Path("reports/runs"), output: OutputOption = OutputFormat.TEXT
) -> None:
    """Judge a recorded run again.

    Example: floodmark judge last --output json

    Exit codes: 0 PASS, 1 FAIL, 3 INCONCLUSIVE, or a sabotage that broke other checks than expected.
    """
    run_dir = find_run(run, out)
    raise typer.Exit(judge_and_show(run_dir, output).exit_code)


def judge_and_show(run_dir: Path, output: OutputFormat) -> Judgement:
    """Judge a run, render its report, and print the findings: a table for people, or one JSON object."""
    history = History.open(run_dir)
    judgement = judge_opened(history, run_dir)
    report = _rendered(run_dir, history, judgement)
    _show(judgement, report, output)
    return judgement


def _show(judgement: Judgement, report: Path | None, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        print_json({**judgement.to_json(), "report": report and str(report)})
        return
    console().print(_table(judgement))
    for problem in judgement.problems[MAX_EXAMPLES:]:
        console().print(Text(f"not read: {problem}", style="yellow"))
    if judgement.as_expected is False:
        console().print(Text("This sabotage did not break what it was meant to break.", style="bold red"))
    verdict = Text(judgement.verdict, style=_STYLES[judgement.verdict])
    console().print(verdict.append(f"  {judgement.scenario}, run {judgement.run_id}, seed {judgement.seed}"))
    if judgement.waived:
        console().print(Text(f"waived: {', '.join(judgement.waived)}", style=_STYLES[Verdict.WAIVED]))
    if report:
        console().print(Text(f"report: {report}"), soft_wrap=True)
    if judgement.verdict is not Verdict.PASS:
        console().print(Text(f"again:  {judgement.command} (at {judgement.commit})"), soft_wrap=True)


def _rendered(run_dir: Path, history: History, judgement: Judgement) -> Path | None:
    """Render the page; None if that fails, which must not affect the verdict."""
    try:
        return render(run_dir, history, judgement)
    except Exception as error:  # noqa: BLE001 -- the judgement stands even if rendering fails
        console().print(Text(f"the report could not be rendered: {error}", style="yellow"))
        return None


def _table(judgement: Judgement) -> Table:
    table = Table(title=str(judgement.evidence), title_justify="left", title_style="dim")
    for column in ("finding", "verdict", "observed", "limit", "phase", "detail"):
        table.add_column(column, overflow="fold", no_wrap=column in ("finding", "verdict"))
    for finding in judgement.findings:
        table.add_row(
            Text(finding.name),
            Text(finding.verdict, style=_STYLES[finding.verdict]),
            Text(observed(finding)),
            Text(finding.limit),
            Text(finding.phase),
            Text(_detail(finding)),
        )
    return table


def _detail(finding: Finding) -> str:
    """The detail, with examples unless the finding passed."""
    examples = () if finding.verdict is Verdict.PASS else finding.examples
    return "\n".join(part for part in (finding.detail, *examples) if part)
