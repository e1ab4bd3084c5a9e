"""``floodmark report``: render the page of a recorded run again."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from harness.cli.output import OutOption, OutputFormat, OutputOption, console, print_json
from harness.cli.recorded import LAST, RunArgument, find_run
from harness.history.reader import History
from harness.judge.judgement import Judgement
from reports.render import render


def report(
    run: RunArgument = LAST, out: OutOption = Path("reports/runs"), output: OutputOption = OutputFormat.TEXT
) -> None:
    """Render the HTML report of a recorded run from its history and findings.

    Example: floodmark report last
    """
    run_dir = find_run(run, out)
    page = render(run_dir, History.open(run_dir), Judgement.load(run_dir))
    if output is OutputFormat.JSON:
        print_json({"run_id": run_dir.resolve().name, "report": str(page)})
    else:
        console().print(Text(f"report: {page}"), soft_wrap=True)
