"""A scenario read from YAML: its well-formed sections, and the problems of the others.

Each section, fault and expectation is read on its own, so that one mistake does not hide others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.base.documents import Document, FieldPath, shown
from harness.base.errors import InvalidInput, Problem
from harness.base.files import is_file
from harness.base.typed import Model, suggestion, typed
from harness.load.traces.mapping import AnyMapping, read_mapping
from harness.scenario.faults import FaultFields, FaultSpec
from harness.scenario.lake_steps import LakeStage
from harness.scenario.model import Expectation, Load, Scenario, ScenarioHead
from harness.scenario.setting import Setting
from harness.scenario.topology import Topology
from harness.validate.topology_file import read_topology, topology_files, topology_in
from harness.validate.vocabulary import Vocabulary
from harness.validate.written_options import WrittenPipeline, options_from
from pipeline.base.options import PipelineOptions

_SECTIONS: Final = ("topology", "pipeline", "load", "lake", "faults", "expect")
_ITEMS_MAX: Final = 1000


class _OfUnknownKind(FaultFields, extra="ignore"):
    """The common fields of a fault of unknown kind, checked without its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The well-formed sections of a scenario; None for any other."""

    document: Document
    head: ScenarioHead | None
    topology: Topology | None
    pipeline: PipelineOptions | None
    load: Load | None
    mapping: AnyMapping | None
    """The mapping of the load's trace."""
    lake: LakeStage | None
    """Also None if the scenario has no such section."""
    faults: Mapping[int, FaultFields]
    """By index in the file, each of its own kind; malformed ones are left out."""
    expect: Mapping[int, Expectation]

    @property
    def setting(self) -> Setting:
        """The well-formed settings that decide which checks are measurable."""
        steps = self.lake.steps if self.lake else None
        return Setting(
            pipeline=self.pipeline,
            load=self.load,
            warm_up_s=self.head.warm_up if self.head else None,
            faults=bool(self.document.get("faults")),
            steps=() if self.document.get("lake") is None else steps,
        )

    def problem(self, at: FieldPath, found: str, allowed: str) -> Problem:
        """A problem of a field, with its location in the file."""
        return Problem(where=self.document.where(at), found=found, allowed=allowed)

    def scenario(self) -> Scenario:
        """The complete scenario. Raises ValueError if a section is missing."""
        if self.head is None or self.topology is None or self.pipeline is None or self.load is None:
            raise ValueError("a scenario with problems has no value")
        return Scenario(
            **dict(self.head),
            topology=self.topology,
            pipeline=self.pipeline,
            load=self.load,
            lake=self.lake,
            faults=tuple(FaultSpec.of(fault) for fault in self.faults.values()),
            expect=tuple(self.expect.values()),
        )


def draft_of(document: Document, folder: Path, words: Vocabulary) -> tuple[Draft, list[Problem]]:
    """Read every section. ``folder`` is the scenario's: its paths and topologies are relative to it."""
    reader = _Reader(document, folder, words)
    draft = Draft(
        document=document,
        head=reader.head(),
        topology=reader.topology(),
        pipeline=reader.pipeline(),
        load=reader.load(),
        mapping=reader.mapping,
        lake=reader.lake(),
        faults=reader.faults(),
        expect=reader.expect(),
    )
    return draft, reader.problems


class _Reader:
    """Reads sections one by one and gathers their problems."""

    def __init__(self, document: Document, folder: Path, words: Vocabulary) -> None:
        self._document, self._folder, self._words = document, folder, words
        self.problems: list[Problem] = [*document.problems]
        self.mapping: AnyMapping | None = None
        """The mapping of the load's trace, once read."""

    def head(self) -> ScenarioHead | None:
        fields = {name: value for name, value in self._document.data.items() if name not in _SECTIONS}
        for unknown in sorted(set(fields) - set(Scenario.model_fields)):
            allowed = suggestion(unknown, Scenario.model_fields)
            self._refuse((unknown,), f"unknown field {unknown}", allowed)
            del fields[unknown]
        return self._typed(ScenarioHead, fields, ())

    def topology(self) -> Topology | None:
        value = self._document.get("topology")
        at: FieldPath = ("topology",)
        if value is None:
            self._refuse(at, "missing", "a topology, or its name")
            return None
        if isinstance(value, str):
            files = topology_files(self._folder)
            if value not in files:
                self._refuse(at, value, f"a topology: {suggestion(value, files)}")
                return None
            return self._topology_of(files[value])
        topology, problems = topology_in(self._document, at, self._words)
        self.problems += problems
        return topology

    def _topology_of(self, file: Path) -> Topology | None:
        try:
            topology, problems = read_topology(file, self._words)
        except InvalidInput as error:
            topology, problems = None, list(error.problems)
        self.problems += problems
        return topology

    def pipeline(self) -> PipelineOptions | None:
        written = self._typed(WrittenPipeline, self._document.data.get("pipeline", {}), ("pipeline",))
        options: PipelineOptions | None = None if written is None else options_from(written, PipelineOptions)
        return options

    def load(self) -> Load | None:
        if "load" not in self._document.data:
            self._refuse(("load",), "missing", "a load: trace, event_span, duration")
            return None
        load = self._typed(Load, self._document.data["load"], ("load",))
        return None if load is None else load.model_copy(update={"trace": self._trace(load.trace)})

    def lake(self) -> LakeStage | None:
        value = self._document.data.get("lake")
        return None if value is None else self._typed(LakeStage, value, ("lake",))

    def faults(self) -> dict[int, FaultFields]:
        return self._items("faults", self._fault_model)

    def _fault_model(self, value: Any) -> type[FaultFields]:
        """The model for the fault's kind; an unknown kind, reported separately, allows any parameters."""
        kind = value.get("kind") if isinstance(value, dict) else None
        known = self._words.faults.get(kind) if isinstance(kind, str) else None
        return _OfUnknownKind if known is None else known

    def expect(self) -> dict[int, Expectation]:
        return self._items("expect", lambda value: Expectation)

    def _items(self, section: str, model_of: Callable[[Any], type[Model]]) -> dict[int, Model]:
        values = self._document.data.get(section, [])
        if not isinstance(values, list) or len(values) > _ITEMS_MAX:
            self._refuse((section,), shown(values), f"a list of at most {_ITEMS_MAX}")
            return {}
        items = {n: self._typed(model_of(value), value, (section, n)) for n, value in enumerate(values)}
        return {n: item for n, item in items.items() if item is not None}

    def _trace(self, trace: Path) -> Path:
        path = self._folder / trace
        if not is_file(path):
            self._refuse(
                ("load", "trace"), str(trace), "the path of a mapping file, from the scenario's folder"
            )
            return path
        path = path.resolve()
        try:
            self.mapping, _ = read_mapping(path)
        except InvalidInput as error:
            self.problems += error.problems
        return path

    def _typed(self, model: type[Model], value: Any, at: FieldPath) -> Model | None:
        item, problems = typed(model, self._document, value, at)
        self.problems += problems
        return item

    def _refuse(self, at: FieldPath, found: str, allowed: str) -> None:
        self.problems.append(Problem(where=self._document.where(at), found=found, allowed=allowed))
