"""The layers that ``pipeline.deploy`` may name: a file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pipeline.base.options import LayerName, PipelineOptions
from pipeline.layers.lake import LakeLayer
from pipeline.layers.protocol import Layer
from pipeline.layers.stream import StreamLayer

_IN_ORDER: Final[tuple[Layer, ...]] = (
    StreamLayer(),
    LakeLayer(),
)

LAYERS: Final[Mapping[LayerName, Layer]] = MappingProxyType({layer.name: layer for layer in _IN_ORDER})
"""In the order in which they are deployed, whatever the order in which a scenario names them."""


def deployed_layers(options: PipelineOptions) -> Sequence[Layer]:
    """The layers that these options deploy, in their order."""
    return tuple(layer for name, layer in LAYERS.items() if name in options.deploy)
