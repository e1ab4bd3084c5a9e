"""The pipeline as a whole: its topics and the layers on top of them, deployed on a running platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.base.endpoints import Endpoints
from pipeline.base.kafka import Topics
from pipeline.base.options import LayerName, PipelineOptions
from pipeline.contract.topics import TOPICS
from pipeline.layers.protocol import LayerStatus, Process
from pipeline.layers.registry import deployed_layers


class Pipeline:
    """One deployment. Every method may be repeated, and raises PipelineError's kinds."""

    def __init__(self, endpoints: Endpoints, options: PipelineOptions) -> None:
        self._endpoints = endpoints
        self._options = options
        self._layers = deployed_layers(options)
        self._topics = Topics(endpoints.kafka)

    def deploy(self) -> None:
        """Create the topics, then each layer; what is there already is left alone."""
        self._topics.create(TOPICS, self._options.topics)
        for layer in self._layers:
            layer.deploy(self._endpoints, self._options)

    def upgrade(self, options: PipelineOptions) -> None:
        """Let each layer continue under other options: nothing is lost, repeated or forgotten.

        Which layers are deployed stays as it is.
        """
        for layer in self._layers:
            layer.upgrade(self._endpoints, self._options, options)
        self._options = options

    def undeploy(self) -> None:
        """Leave nothing: undo each layer in reverse order, then delete the topics.

        The pipeline's processes must have been stopped by whoever started them.
        """
        for layer in reversed(self._layers):
            layer.undeploy(self._endpoints)
        self._topics.delete(TOPICS)

    def status(self) -> Mapping[LayerName, LayerStatus]:
        """How each layer is doing, asked of the engines now."""
        return {layer.name: layer.status(self._endpoints) for layer in self._layers}

    def processes(self) -> Sequence[Process]:
        """The processes of every layer, for whoever runs the platform to start."""
        return tuple(process for layer in self._layers for process in layer.processes(self._options))
