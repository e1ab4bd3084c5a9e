"""Parts of scenarios for tests: a vocabulary that needs no registries, and a scenario to spoil."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness.base.errors import InvalidInput
from harness.faults.registry import FAULTS
from harness.judge.registry import unfit
from harness.scenario.model import Scenario
from harness.validate.scenario_file import load_scenario
from harness.validate.vocabulary import CheckWords, Vocabulary

FIXTURES = Path(__file__).parent / "fixtures"
RIDES = FIXTURES / "rides.yaml"

WORDS = Vocabulary(
    services={"kafka": {"broker"}, "flink": {"jobmanager", "taskmanager"}, "cassandra": {"node"}},
    faults=FAULTS,
    capabilities={"process": {"signals"}},
    checks={
        name: CheckWords(
            unit=unit, aggregates=aggregates, safety=aggregates == {"count"}, unfit=partial(unfit, name)
        )
        for name, unit, aggregates in (
            ("duplicates", "", {"count"}),
            ("freshness_windows", "ms", {"p(50)", "max"}),
            ("out_of_order", "", {"count"}),
            ("produce_latency", "ms", {"max"}),
            ("throughput", "1/s", {"rate"}),
        )
    },
    readers={"hot_point", "hot_range"},
)


def rides(**changes: object) -> Scenario:
    """The scenario of the fixtures, with fields changed: ``rides(seed=1, load__duration="20s")``."""
    overrides = {name.replace("__", "."): value for name, value in changes.items()}
    return load_scenario(RIDES, overrides=overrides, words=WORDS)


def problems_of(folder: Path, old: str, new: str) -> list[str]:
    """The problems of the fixture's scenario with a piece of its text replaced, without its name."""
    text = RIDES.read_text()
    assert old in text
    for name in ("topologies", "traces"):
        (folder / name).symlink_to(FIXTURES / name)
    spoilt = folder / "spoilt.yaml"
    spoilt.write_text(text.replace(old, new))
    try:
        load_scenario(spoilt, words=WORDS)
    except InvalidInput as error:
        return [
            str(problem).removeprefix(f"{folder}/").removeprefix("spoilt.yaml:") for problem in error.problems
        ]
    return []
