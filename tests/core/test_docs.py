"""What the documents name is there: files, links, make targets, commands, fields, checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import COMMANDS, Group
from harness.faults.registry import FAULTS
from harness.judge.registry import CHECKS
from harness.load.readers.registry import READER_KINDS
from harness.load.traces.mapping import Fields, Mapping, read_mapping
from harness.scenario.lake_steps import Drop, Register, Rerun, RunDays
from harness.scenario.profiles.registry import PROFILES
from harness.validate.scenario_file import scenario_schema
from tests.import_graph import FLOORS

ROOT = Path(__file__).parents[2]
DOCS = (
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "findings" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
MADE_BY_RUNS = ("reports/runs", "reports/bench", "reports/quality")
PATH = re.compile(
    r"(?<![\w./*<-])((?:harness|pipeline|scenarios|tests|reports|compose|docs|findings)/[\w./{}*-]*\w[/\w]*)"
)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
COMMAND = re.compile(r"\bfloodmark ([a-z]+)(?: ([a-z]+))?")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
LENGTH_MAX = 120
HEADINGS = ["Context", "Measurement", "Decision", "Price"]

documents = pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))


def code(document: Path) -> Iterator[str]:
    """Blocks of code, and code within sentences."""
    yield from CODE.findall(document.read_text())


@documents
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = {path.rstrip("/") for path in PATH.findall(document.read_text())}
    absent = {path for path in named if not path.startswith(MADE_BY_RUNS) and not any(ROOT.glob(path))}
    assert absent == set()


@documents
def test_every_link_leads_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text()) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


@documents
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for text in code(document) for name in MAKE.findall(text)} - targets == set()


@documents
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    named = [words for text in code(document) for words in COMMAND.findall(text)]
    assert [words for words in named if not is_command(*words)] == []


def is_command(first: str, second: str) -> bool:
    entry = COMMANDS.get(first)
    return entry is not None and (not isinstance(entry, Group) or not second or second in entry.commands)


@pytest.mark.parametrize("top", ["harness", "pipeline"])
def test_the_map_shows_every_room(top: str) -> None:
    (tree,) = re.findall(rf"^{top}/ .*\n((?:  .*\n)+)", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    rooms = {path.parent.name for path in (ROOT / top).glob("*/__init__.py")}
    assert set(re.findall(r"^  (\w+)/ ", tree, re.MULTILINE)) == rooms


def test_the_map_shows_every_floor_in_its_order() -> None:
    (block,) = re.findall(r"```text\n(pipeline <.*?)```", (ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    rooms = [floor.removeprefix("harness.").replace(".", "/") for floor in FLOORS]
    assert re.findall(r"[\w/]+", block) == rooms


@documents
def test_prose_fits_the_page(document: Path) -> None:
    lines = document.read_text().splitlines()
    assert [line for line in lines if len(line) > LENGTH_MAX and not line.startswith("|")] == []


def test_the_tables_of_the_readme_fit_the_page_too() -> None:
    assert [line for line in (ROOT / "README.md").read_text().splitlines() if len(line) > LENGTH_MAX] == []


def test_every_field_of_a_scenario_is_documented() -> None:
    assert fields_of(scenario_schema()) - tabled("scenarios.md") == set()


def test_every_name_that_a_scenario_may_use_is_documented() -> None:
    steps = {model.model_fields["kind"].default for model in (Drop, Register, RunDays, Rerun)}
    assert {*CHECKS, *FAULTS, *PROFILES, *READER_KINDS, *steps} - tabled("scenarios.md") == set()


def test_every_field_of_a_mapping_is_documented() -> None:
    fields = {**Mapping.model_fields, **Fields.model_fields}
    assert {field.alias or name for name, field in fields.items()} - tabled("traces.md") == set()


def test_the_mappings_that_are_shown_are_sound(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "traces.md").read_text(), re.DOTALL)
    (tmp_path / "rides").mkdir()
    (tmp_path / "rides" / "1.csv.gz").touch()
    file = tmp_path / "mapping.yaml"
    for block in blocks:
        file.write_text(block)
        read_mapping(file)
    assert len(blocks) == 2


def fields_of(schema: dict[str, Any]) -> set[str]:
    """Of the schema and of every definition in it."""
    models = (schema, *schema["$defs"].values())
    return {name for model in models for name in model.get("properties", {})}


def tabled(document: str) -> set[str]:
    """The words within code of the first two columns of a document's tables."""
    rows = re.findall(r"^\|(.*?\|.*?)\|", (ROOT / "docs" / document).read_text(), re.MULTILINE)
    return {word for row in rows for text in CODE.findall(row) for word in re.findall(r"\w+", text)}


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.name)
def test_a_decision_says_why_by_what_measurement_and_at_which_price(decision: Path) -> None:
    text = decision.read_text()
    assert text.startswith(f"# {decision.name[:3]}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS


def test_the_index_lists_every_decision_by_its_title() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    listed = re.findall(r"^- \[(\d+)\]\((.*)\) (.*)$", index, re.MULTILINE)
    titles = [path.read_text().partition("\n")[0].removeprefix(f"# {path.name[:3]}. ") for path in DECISIONS]
    expected = [(path.name[:3], path.name, title) for path, title in zip(DECISIONS, titles, strict=True)]
    assert listed == expected


def test_every_finding_is_described() -> None:
    described = (ROOT / "findings" / "README.md").read_text()
    scripts = sorted((ROOT / "findings").glob("*.sh"))
    assert scripts
    assert [script.name for script in scripts if script.name not in described] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [path.name[:3] for path in DECISIONS]
    assert numbers == [f"{n:03d}" for n in range(1, len(numbers) + 1)]
