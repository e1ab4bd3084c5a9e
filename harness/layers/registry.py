"""The layers that the harness can observe and judge: one file each, and a line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Final

from harness.history.reader import History
from harness.judge.checks.recovery.replication import Promise
from harness.judge.measure.signals import Signal, sending
from harness.layers.lake import LAKE
from harness.layers.protocol import Layer
from harness.layers.stream import STREAM
from harness.scenario.model import Scenario
from pipeline.base.options import LayerName, PipelineOptions

_IN_ORDER: Final[tuple[Layer, ...]] = (
    STREAM,
    LAKE,
)

LAYERS: Final[Mapping[LayerName, Layer]] = MappingProxyType({layer.name: layer for layer in _IN_ORDER})
"""Ordered as their checks and figures are listed."""


def deployed_layers(options: PipelineOptions) -> Sequence[Layer]:
    """Return the layers that these options deploy, in the registry's order."""
    return tuple(layer for name, layer in LAYERS.items() if name in options.deploy)


def probe_names() -> Set[str]:
    """Return the names of all layers' probes."""
    return frozenset(name for layer in LAYERS.values() for name in layer.probes)


def signals(history: History) -> tuple[Signal, ...]:
    """Derive the signals of sending and of the deployed layers."""
    layers = deployed_layers(history.scenario.pipeline)
    return (sending(history), *(source.derive(history) for layer in layers for source in layer.signals))


def steady_signals(history: History) -> tuple[Signal, ...]:
    """Derive the signals available while the load flows: a run checks them before it breaks anything."""
    layers = deployed_layers(history.scenario.pipeline)
    sources = [source for layer in layers for source in layer.signals if source.while_it_flows]
    return (sending(history), *(source.derive(history) for source in sources))


def promised_copies(scenario: Scenario) -> Iterable[Promise]:
    """Return the deployed layers' promises of copies, besides those of the topics."""
    return (p for layer in deployed_layers(scenario.pipeline) for p in layer.promised_copies(scenario))
