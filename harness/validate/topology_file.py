"""Topologies in files: ``topologies/<name>.yaml`` beside a scenario, or beside the product's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness.base.documents import Document, FieldPath, read_document
from harness.base.errors import InvalidInput, Problem
from harness.base.files import SCENARIOS, is_file
from harness.base.typed import suggestion, typed
from harness.scenario.renamed import Renamed, topology_with_new_words
from harness.scenario.topology import Topology
from harness.services.protocol import missing_needs
from harness.validate.vocabulary import Vocabulary, vocabulary


def topology_files(beside: Path | None = None) -> Mapping[str, Path]:
    """The file of each named topology. Those in ``beside`` override the product's."""
    folders = [SCENARIOS, *([beside] if beside else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("topologies/*.yaml"))}


def load_topology(name_or_path: str, words: Vocabulary | None = None) -> Topology:
    """Load a topology of the product by name, or any by path. Raises InvalidInput with every problem."""
    files = topology_files()
    path = files.get(name_or_path, Path(name_or_path))
    if not is_file(path):
        allowed = f"the path of a file, or {suggestion(name_or_path, files)}"
        raise InvalidInput([Problem(where="topology", found=name_or_path, allowed=allowed)])
    topology, problems = read_topology(path, words or vocabulary())
    if topology is None or problems:
        raise InvalidInput(problems)
    return topology


def read_topology(path: Path, words: Vocabulary) -> tuple[Topology | None, list[Problem]]:
    """The topology in a file, and its problems. Raises InvalidInput for an unreadable file."""
    document = read_document(path)
    data, renamed = topology_with_new_words(document.data)
    topology, problems = topology_in(replace(document, data=data), (), words)
    return topology, [*document.problems, *(refused_word(word, document) for word in renamed), *problems]


def topology_in(
    document: Document, at: FieldPath, words: Vocabulary
) -> tuple[Topology | None, list[Problem]]:
    """The topology at a path in a document, and its problems."""
    topology, problems = typed(Topology, document, document.get(*at), at)
    if topology is not None:
        problems += _unknown_parts(topology, words, document, at)
    return topology, problems


def refused_word(word: Renamed, document: Document) -> Problem:
    """The problem of an old word in a document, with its new name."""
    return Problem(where=document.where(word.at), found=word.old, allowed=f"{word.new}, as it is called now")


def _unknown_parts(
    topology: Topology, words: Vocabulary, document: Document, at: FieldPath
) -> Iterator[Problem]:
    known = words.services
    for service, roles in topology.services.items():
        place = (*at, "services", service)
        if service not in known:
            allowed = suggestion(service, known)
            yield Problem(where=document.where(place), found=f"unknown service {service}", allowed=allowed)
            continue
        if not roles and service in words.without_nodes:
            continue
        for role in sorted(set(roles) - known[service]):
            allowed = suggestion(role, known[service])
            yield Problem(where=document.where((*place, role)), found=f"unknown role {role}", allowed=allowed)
        for role in sorted(known[service] - set(roles)):
            yield Problem(where=document.where(place), found=f"no {role}", allowed=f"one {role} or more")
    for service, needed in missing_needs(topology.services, words.needs):
        allowed = f"{needed}, as {service} needs it"
        yield Problem(where=document.where((*at, "services")), found=f"no {needed}", allowed=allowed)
