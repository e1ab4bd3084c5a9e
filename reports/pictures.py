"""The README's picture of a run: ``python -m reports.pictures RUN`` (``make pictures``).

Draws ``reports/example.png``, writes what it shows into ``reports/example.json``, and renews the excerpt of
the findings in ``README.md``, so that the three cannot differ.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import orjson
from matplotlib.figure import Figure

from harness.base.errors import FloodmarkError, RunError
from harness.base.files import write_atomically
from harness.history.reader import History
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import Finding
from reports.figures import draw_stream
from reports.render import counted, observed
from reports.timeline import STYLE

ROOT: Final = Path(__file__).parents[1]
BEGIN: Final = "<!-- made by `make pictures`: do not edit -->"
END: Final = "<!-- end of what `make pictures` makes -->"
EXCERPT: Final = (
    "unacknowledged",
    "acknowledged_lost",
    "duplicates",
    "windows_equal_oracle",
    "faults_carried_out",
    "recovery_time",
    "freshness_hot",
)
"""The checks whose findings the README shows."""

_COMMITTED: Final = re.compile("[0-9a-f]{7,40}")
_WIDTH_IN, _HEIGHT_IN, _DPI = 10.4, 9.2, 115
_GREEN: Final = "#15803d"


def example_of(judgement: Judgement, picture: bytes) -> dict[str, Any]:
    """What the picture shows, for tests and documents that state it."""
    return {
        "scenario": judgement.scenario,
        "run": judgement.run_id,
        "seed": judgement.seed,
        "commit": judgement.commit,
        "evidence": str(judgement.evidence),
        "verdict": judgement.verdict,
        "counts": {verdict.value: count for verdict, count in counted(judgement.findings).items()},
        "findings": [_row(finding) for finding in judgement.findings],
        "picture_sha256": hashlib.sha256(picture).hexdigest(),
    }


def excerpt_of(example: dict[str, Any]) -> str:
    """The README's lines between ``BEGIN`` and ``END``: some of the findings, and their run."""
    rows = [row for row in example["findings"] if row["check"] in EXCERPT]
    lines = (f"{r['check']:<22}{r['verdict']:<9}{r['observed']:<12}{r['limit']}" for r in rows)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in example["counts"].items())
    return "\n".join(
        (
            BEGIN,
            "```text",
            f"{'finding':<22}{'verdict':<9}{'observed':<12}limit",
            *lines,
            f"{example['verdict']}  {example['scenario']}, run {example['run']}, seed {example['seed']}",
            "```",
            f"These are {len(rows)} of {len(example['findings'])} findings ({counts}) at commit"
            f" `{example['commit']}`.",
            f"Evidence: {example['evidence']}.",
            END,
        )
    )


def picture_of(history: History, judgement: Judgement) -> bytes:
    """The picture, as a PNG of 1,196 pixels' width."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), dpi=_DPI)
        axes = figure.subplots(4, 1, sharex=True)
        draw_stream(axes, history)
        for plot in axes[:-1]:
            plot.set_xlabel("")
        figure.subplots_adjust(left=0.085, right=0.845, top=0.88, bottom=0.05, hspace=0.12)
        figure.align_ylabels(axes)
        colour = _GREEN if judgement.exit_code == 0 else "#b91c1c"
        figure.text(0.012, 0.956, judgement.verdict, color=colour, fontsize=19, fontweight="bold")
        figure.text(0.11, 0.972, history.scenario.description, fontsize=11.5)
        figure.text(0.11, 0.950, _subtitle(judgement), fontsize=9)
        image = io.BytesIO()
        figure.savefig(image, format="png", metadata={"Software": None})
    return image.getvalue()


def with_excerpt(readme: str, excerpt: str) -> str:
    """The README with a new excerpt. Raises RunError where it has no place for one."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RunError(f"README.md lacks {BEGIN} and {END}")
    return before + excerpt + after


def make_example(run_dir: Path, *, root: Path = ROOT) -> None:
    """Draw the picture of a judged run, and write what it shows.

    Raises RunError for a run of uncommitted changes, which nobody could run again.
    """
    history, judgement = History.open(run_dir), Judgement.load(run_dir)
    if not _COMMITTED.fullmatch(judgement.commit):
        raise RunError(f"{run_dir} was run at {judgement.commit}: commit, then run it again")
    picture = picture_of(history, judgement)
    example = example_of(judgement, picture)
    readme = with_excerpt((root / "README.md").read_text(), excerpt_of(example))
    shown = orjson.dumps(example, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomically(root / "reports" / "example.png", picture)
    write_atomically(root / "reports" / "example.json", shown)
    write_atomically(root / "README.md", readme.encode())


def _subtitle(judgement: Judgement) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in counted(judgement.findings).items())
    return (
        f"{counts} of {len(judgement.findings)} findings · {judgement.scenario} · run {judgement.run_id}"
        f" · seed {judgement.seed} · commit {judgement.commit}"
    )


def _row(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.name,
        "verdict": finding.verdict,
        "observed": observed(finding),
        "limit": finding.limit,
        "phase": finding.phase,
    }


def main(arguments: Sequence[str]) -> int:
    """One argument: the folder of a judged run."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m reports.pictures RUN\n")
        return 2
    try:
        make_example(Path(arguments[0]))
    except FloodmarkError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
