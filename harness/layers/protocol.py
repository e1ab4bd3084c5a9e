"""What the harness knows of a layer: how it is observed, and by what it is judged.

What is deployed for it is in pipeline/layers/. The modules of layers are imported by whoever validates or
judges, so they import the clients of engines only where these are used.
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
    """A platform under load, as its observers see it."""

    scenario: Scenario
    endpoints: Endpoints
    endpoints_file: Path
    """The same endpoints, for processes."""
    folder: Path
    """The run's, for the files that processes are configured by."""
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
        """What is sampled once a second, from before the load starts until the run ends."""
        ...

    def probes(self, observed: Observed) -> Sequence[Probe]:
        """Processes to be started with the load. They end by themselves."""
        ...

    def drain(self, observed: Observed, *, timeout_s: float) -> Iterable[Reading]:
        """Wait until everything that was sent has come out; what had not in time, as values to record."""
        ...

    def copies(self, endpoints: Endpoints) -> Mapping[str, Callable[[], tuple[Reading, ...]]]:
        """Questions about how many copies there are, by place. They raise CopiesUnknown
        (harness/observe/platform/replication.py), and are then asked again for a while.
        """
        ...

    def read_back(self, observed: Observed) -> Sequence[Callable[[], None]]:
        """Steps that record what it holds once drained, run side by side. They raise PlatformError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The checks of a layer, as findings are grouped."""

    data: tuple[Check, ...] = ()
    """Of what it holds. One of the same name as a check of the source topic takes its place."""
    recovery: tuple[Check, ...] = ()
    speed: tuple[Check, ...] = ()

    @property
    def all(self) -> tuple[Check, ...]:
        """Those of every group."""
        return (*self.data, *self.recovery, *self.speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Something in a scenario that says nothing unless a layer is deployed."""

    at: FieldPath
    found: str
    why: str = ""
    """Why the layer is needed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer."""

    name: LayerName
    equip: Callable[[Endpoints, Report], Endpoints]
    """The same platform, whose engines are given what they need for it. Raises DeployError."""
    observer: Observer
    uses: Callable[[Load | None, LakeStage | None], Iterable[Use]]
    """What of a scenario depends on it."""
    checks: Checks
    probes: tuple[str, ...] = ()
    """The names of its observer's probes."""
    signals: tuple[SignalSource, ...] = ()
    """By which it is steady or disturbed."""
    promised_copies: Callable[[Scenario], Iterable[Promise]] = lambda scenario: ()
    """How many copies there are to be of what it holds."""
    figures: tuple[Sketch[Canvas], ...] = ()
