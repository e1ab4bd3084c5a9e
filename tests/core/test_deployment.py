"""What a deployment makes and leaves behind, whichever layers it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest

from harness.layers.registry import LAYERS as OBSERVED_LAYERS
from pipeline import deployment
from pipeline.base.endpoints import (
    CassandraEndpoint,
    Endpoints,
    FlinkEndpoint,
    KafkaEndpoint,
    ObjectStoreEndpoint,
)
from pipeline.base.options import HotOptions, LayerName, PipelineOptions, TopicOptions
from pipeline.deployment import Pipeline
from pipeline.layers import registry
from pipeline.layers.protocol import Layer, LayerStatus, Process, ProcessFiles
from pipeline.layers.registry import LAYERS, deployed_layers

ENDPOINTS = Endpoints(
    (
        KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",)),
        FlinkEndpoint(
            sql_gateway_url="http://127.0.0.1:1",
            rest_url="http://127.0.0.1:1",
            checkpoint_uri="file:///c",
            savepoint_uri="file:///s",
        ),
        CassandraEndpoint(contact_points=("127.0.0.1",), port=1, datacenter="local"),
        ObjectStoreEndpoint(url="http://127.0.0.1:1"),
    )
)


@dataclass
class Told:
    """A layer that notes what is asked of it."""

    name: LayerName
    told: list[str]
    services: Sequence[str] = ()

    def processes(self, options: PipelineOptions) -> Sequence[Process]:
        return (Process(name=f"{self.name}-1", command=lambda files: (str(files.options),)),)

    def deploy(self, endpoints: Endpoints, options: PipelineOptions) -> None:
        self.told.append(f"deploy {self.name}, {options.topics.partitions}")

    def upgrade(self, endpoints: Endpoints, old: PipelineOptions, new: PipelineOptions) -> None:
        self.told.append(f"upgrade {self.name}, {old.topics.partitions} to {new.topics.partitions}")

    def undeploy(self, endpoints: Endpoints) -> None:
        self.told.append(f"undeploy {self.name}")

    def status(self, endpoints: Endpoints) -> LayerStatus:
        return LayerStatus(deployed=True, detail=self.name)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the topics and of the layers, in order."""
    told: list[str] = []

    class Topics:
        def __init__(self, endpoint: KafkaEndpoint) -> None:
            pass

        def create(self, topics: Sequence[str], options: object) -> None:
            told.append("create topics")

        def delete(self, topics: Sequence[str]) -> None:
            told.append("delete topics")

    monkeypatch.setattr(deployment, "Topics", Topics)
    layers: Mapping[LayerName, Layer] = {name: Told(name, told) for name in LAYERS}
    monkeypatch.setattr(registry, "LAYERS", layers)
    return told


def deployments() -> list[tuple[LayerName, ...]]:
    """Every set of layers, in the order in which they are deployed."""
    return [found for size in range(len(LAYERS) + 1) for found in combinations(LAYERS, size)]


def pipeline(deploy: tuple[LayerName, ...]) -> Pipeline:
    return Pipeline(ENDPOINTS, PipelineOptions(deploy=deploy, topics=TopicOptions(partitions=1)))


@pytest.mark.parametrize("deploy", deployments(), ids="+".join)
def test_each_layer_is_deployed_on_the_topics_and_undone_in_reverse_order(
    told: list[str], deploy: tuple[LayerName, ...]
) -> None:
    of = pipeline(deploy)
    of.deploy()
    of.undeploy()
    assert told == [
        "create topics",
        *(f"deploy {name}, 1" for name in deploy),
        *(f"undeploy {name}" for name in reversed(deploy)),
        "delete topics",
    ]


def test_the_order_in_which_layers_are_named_does_not_matter(told: list[str]) -> None:
    pipeline(("lake", "stream")).deploy()
    assert told == ["create topics", "deploy stream, 1", "deploy lake, 1"]


@pytest.mark.parametrize("deploy", deployments(), ids="+".join)
def test_each_layer_continues_under_the_new_options(told: list[str], deploy: tuple[LayerName, ...]) -> None:
    of = pipeline(deploy)
    for partitions in (2, 3):
        of.upgrade(PipelineOptions(deploy=deploy, topics=TopicOptions(partitions=partitions)))
    assert told == [f"upgrade {name}, {n} to {n + 1}" for n in (1, 2) for name in deploy]


@pytest.mark.parametrize("deploy", deployments(), ids="+".join)
def test_each_layer_says_how_it_is_and_what_is_to_be_started(
    told: list[str], deploy: tuple[LayerName, ...]
) -> None:
    of = pipeline(deploy)
    assert of.status() == {name: LayerStatus(deployed=True, detail=name) for name in deploy}
    assert [process.name for process in of.processes()] == [f"{name}-1" for name in deploy]


def test_every_layer_that_may_be_named_can_be_deployed_and_observed() -> None:
    assert set(LAYERS) == set(OBSERVED_LAYERS) == set(get_args(LayerName))
    assert {name: layer.name for name, layer in LAYERS.items()} == {name: name for name in LAYERS}


def test_hot_writers_are_the_stream_layer_s_processes() -> None:
    files = ProcessFiles(endpoints=Path("e.json"), options=Path("o.json"), metrics=Path("m"))
    found = {
        process.name: process.command(files)[1:]
        for layer in deployed_layers(PipelineOptions(hot=HotOptions(writers=2)))
        for process in layer.processes(PipelineOptions(hot=HotOptions(writers=2)))
    }
    assert found == {
        f"hot-writer-{n}": (
            *("-m", "pipeline.hot", "--endpoints", "e.json", "--options", "o.json"),
            *("--index", str(n), "--metrics", f"m/hot_writes-{n}.jsonl"),
        )
        for n in (1, 2)
    }
