"""The harness's interface to a layer: how it is observed and judged.

Its deployment is in pipeline/layers/. Validation and judging import the modules of layers as well, so these
import the engines' clients only where they use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.base.clocks import Clocks
from harness.base.documents import FieldPath
from harness.base.report import Report
from harness.judge.checks.recovery.replication import Promise
from harness.judge.measure.protocol import Check
from harness.judge.measure.signals import SignalSource
from harness.layers.figure import Canvas, Sketch
from harness.observe.platform.sampler import Reading, Source
from harness.scenario.lake_steps import LakeStage
from harness.scenario.model import Load, Scenario
from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LayerName


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A platform under load and its run, as given to observers."""

    scenario: Scenario
    endpoints: Endpoints
    endpoints_file: Path
    """The same endpoints as a file, for processes."""
    folder: Path
    """The run's folder, for the configuration files of processes."""
    history: Path
    plan: Path
    clocks: Clocks
    load_duration_s: float
    """Wall-clock time from the load's first event to its last."""
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A process that observes from outside while the load flows."""

    name: str
    """One of its layer's ``probes``, and unique among the nodes of the platform."""
    argv: Sequence[str]


class Observer(Protocol):
    """How one layer is observed in a run."""

    def sources(self, endpoints: Endpoints) -> Sequence[Source]:
        """The sources sampled once a second, from before the load starts until the run ends."""
        ...

    def probes(self, observed: Observed) -> Sequence[Probe]:
        """Processes to start with the load. They end by themselves."""
        ...

    def drain(self, observed: Observed, *, timeout_s: float) -> Iterable[Reading]:
        """Wait until everything sent has come out. Return readings of what had not come out in time."""
        ...

    def copies(self, endpoints: Endpoints) -> Mapping[str, Callable[[], tuple[Reading, ...]]]:
        """Queries for the numbers of copies, by place. One that raises CopiesUnknown
        (harness/observe/platform/replication.py) is retried for a while.
        """
        ...

    def read_back(self, observed: Observed) -> Sequence[Callable[[], None]]:
        """Steps that record the drained layer's content; they run in parallel. They raise PlatformError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The checks of a layer, grouped like the findings."""

    data: tuple[Check, ...] = ()
    """Checks of its content. One with the name of a check of the source topic replaces that."""
    recovery: tuple[Check, ...] = ()
    speed: tuple[Check, ...] = ()

    @property
    def all(self) -> tuple[Check, ...]:
        """The checks of all groups."""
        return (*self.data, *self.recovery, *self.speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Something in a scenario that has no effect unless a layer is deployed."""

    at: FieldPath
    found: str
    why: str = ""
    """Why the layer is needed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer, as registered."""

    name: LayerName
    equip: Callable[[Endpoints, Report], Endpoints]
    """Return the endpoints extended by what the layer's engines need. Raises DeployError."""
    observer: Observer
    uses: Callable[[Load | None, LakeStage | None], Iterable[Use]]
    """The parts of a scenario that depend on it."""
    checks: Checks
    probes: tuple[str, ...] = ()
    """The names of its observer's probes."""
    signals: tuple[SignalSource, ...] = ()
    """The signals that show whether it is steady or disturbed."""
    promised_copies: Callable[[Scenario], Iterable[Promise]] = lambda scenario: ()
    """The numbers of copies promised of its data."""
    figures: tuple[Sketch[Canvas], ...] = ()
