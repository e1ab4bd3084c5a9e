"""What a layer is: a part of the pipeline that is deployed by itself, on top of the topics.

The modules of layers are imported by whoever validates a scenario, so they import the clients of engines
only where these are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LayerName, PipelineOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStatus:
    """How a layer is doing."""

    deployed: bool
    detail: str = ""
    """In the words of its engine, such as ``RUNNING``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFiles:
    """The files by which a process of the pipeline and whoever starts it talk to each other."""

    endpoints: Path
    """What ``Endpoints.save`` wrote."""
    options: Path
    """What ``PipelineOptions.save`` wrote."""
    metrics: Path
    """The folder to which processes append what they measured of themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of the pipeline, which whoever runs the platform starts and stops."""

    name: str
    """Unique among the nodes of the platform."""
    command: Callable[[ProcessFiles], tuple[str, ...]]


class Layer(Protocol):
    """One layer. Every method may be repeated, and raises PipelineError's kinds."""

    name: LayerName
    services: Sequence[str]
    """The services that it needs besides Kafka."""

    def processes(self, options: PipelineOptions) -> Sequence[Process]:
        """Its processes beside the engines."""
        ...

    def deploy(self, endpoints: Endpoints, options: PipelineOptions) -> None:
        """Create what it consists of; what is there already is left alone. The topics exist."""
        ...

    def upgrade(self, endpoints: Endpoints, old: PipelineOptions, new: PipelineOptions) -> None:
        """Continue under new options, without losing, repeating or forgetting anything."""
        ...

    def undeploy(self, endpoints: Endpoints) -> None:
        """Leave nothing behind. Its processes have been stopped by whoever started them."""
        ...

    def status(self, endpoints: Endpoints) -> LayerStatus:
        """How it is doing, asked of its engines now."""
        ...
