"""Loads scenarios from YAML strictly, and reports all problems before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.base.documents import Document, read_document
from harness.base.errors import InvalidInput, Problem
from harness.base.files import SCENARIOS, is_file
from harness.faults.registry import FAULTS
from harness.scenario.model import Scenario
from harness.scenario.renamed import with_new_words
from harness.validate.draft import draft_of
from harness.validate.rules import broken_rules
from harness.validate.topology_file import refused_word
from harness.validate.vocabulary import Vocabulary, vocabulary
from harness.validate.written_options import WrittenPipeline


def load_scenario(
    path: Path,
    *,
    seed: int | None = None,
    overrides: Mapping[str, object] | None = None,
    words: Vocabulary | None = None,
) -> Scenario:
    """Load one scenario, with an absolute path to its trace.

    ``path`` may also name one of the product's own: ``quickstart``, or ``scenarios/quickstart.yaml`` from
    anywhere. ``seed`` and ``overrides`` replace values of the file before validation:
    ``{"load.duration": "20s"}``. ``words``: the vocabulary of the backend to run on; the default
    backend's if omitted. Raises InvalidInput with every problem.
    """
    words = words or vocabulary()
    path = find_scenario(path)
    changes = {**(overrides or {}), **({} if seed is None else {"seed": seed})}
    document = _in_new_words(read_document(path).override(changes))
    draft, problems = draft_of(document, path.parent, words)
    problems += broken_rules(draft, words)
    if problems:
        raise InvalidInput(problems)
    return draft.scenario()


def _in_new_words(document: Document) -> Document:
    """The document with renamed words replaced; each old word is added to its problems."""
    data, renamed = with_new_words(document.data)
    refused = [refused_word(word, document) for word in renamed]
    return replace(document, data=data, problems=(*document.problems, *refused))


def load_many(paths: Sequence[Path], *, words: Vocabulary | None = None) -> tuple[Scenario, ...]:
    """Load several scenarios, in order. Raises InvalidInput with every problem of every file."""
    words = words or vocabulary()
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            scenarios.append(load_scenario(path, words=words))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return tuple(scenarios)


def find_scenario(path: Path) -> Path:
    """The path itself if it is a file, or else the matching scenario of the product."""
    if is_file(path):
        return path
    own = [SCENARIOS / path.relative_to("scenarios")] if path.is_relative_to("scenarios") else []
    if path.name == str(path) and not path.suffix:
        own.append(SCENARIOS / f"{path}.yaml")
    return next((candidate for candidate in own if is_file(candidate)), path)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario's YAML, for editors."""
    schema = Scenario.model_json_schema()
    pipeline = WrittenPipeline.model_json_schema()
    definitions: dict[str, Any] = {**schema.pop("$defs"), **pipeline.pop("$defs")}
    schema["properties"]["topology"] = {
        "description": "Inline, or the name of a file in topologies/.",
        "anyOf": [{"type": "string"}, {"$ref": "#/$defs/Topology"}],
    }
    schema["properties"]["pipeline"] = pipeline
    schema["properties"]["faults"]["items"] = {"oneOf": [f.model_json_schema() for f in FAULTS.values()]}
    del definitions["FaultSpec"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}
