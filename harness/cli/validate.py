"""``floodmark validate``: check scenarios without running them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from harness.artifacts import cache_dir
from harness.backends.registry import DEFAULT_BACKEND
from harness.cli.output import (
    BackendOption,
    OutputFormat,
    OutputOption,
    Progress,
    console,
    print_json,
    print_table,
)
from harness.load.plan.check import check_traces
from harness.scenario.model import Scenario
from harness.validate.scenario_file import load_many, scenario_schema
from harness.validate.vocabulary import vocabulary

Scenarios = Annotated[
    list[Path] | None, typer.Argument(help="Scenario files, or names of the product's own.")
]
Schema = Annotated[
    bool,
    typer.Option("--schema", help="Print the JSON Schema of scenarios, for editors, on standard output."),
]


def validate(
    scenarios: Scenarios = None,
    *,
    schema: Schema = False,
    backend: BackendOption = DEFAULT_BACKEND,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Check scenarios and read their traces without starting anything; list every problem.

    Example: floodmark validate scenarios/quickstart.yaml scenarios/sabotage/*.yaml
    """
    if schema:
        print_json(scenario_schema())
        return
    if not scenarios:
        raise typer.BadParameter("name at least one scenario", param_hint="SCENARIOS")
    valid = load_many(scenarios, words=vocabulary(backend))
    warnings = check_traces(valid, cache=cache_dir(), report=Progress())
    if output is OutputFormat.JSON:
        summaries = [_summary(scenario) for scenario in valid]
        print_json({"valid": True, "scenarios": summaries, "warnings": list(warnings)})
    else:
        for warning in warnings:
            console().print(Text("warning: ", style="bold yellow").append(warning, style="default"))
        columns = ("scenario", "seed", "nodes", "time scale", "faults", "expectations")
        rows = [[str(cell) for cell in _summary(scenario).values()] for scenario in valid]
        print_table(f"{len(valid)} valid", columns, rows)


def _summary(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "seed": scenario.seed,
        "nodes": len(scenario.topology.nodes()),
        "time_scale": round(scenario.load.time_scale, 3),
        "faults": len(scenario.faults),
        "expectations": len(scenario.expect),
    }
