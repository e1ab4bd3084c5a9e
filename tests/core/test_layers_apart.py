"""A layer says what it is without its engines, and a run observes what is deployed and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.base.clocks import Clocks
from harness.base.run_clock import RunClock
from harness.judge.registry import CHECKS
from harness.layers.protocol import Checks, Layer, Observed, Probe
from harness.layers.registry import LAYERS
from harness.observe.platform.sampler import Reading, Source
from harness.run.folder import RunFolder
from harness.run.real import platform_watch
from harness.run.real.platform_watch import PlatformWatch
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from tests.core.histories import scenario

CLIENTS = {"aiokafka", "boto3", "botocore", "cassandra", "confluent_kafka", "deltalake", "httpx", "pyspark"}
CLOCKS = Clocks(epoch_unix_ns=0, epoch_monotonic_ns=0, load_start_ns=0, origin_ms=7, time_scale=1)


def test_whoever_validates_or_judges_needs_no_engine_s_client() -> None:
    script = """
import sys, harness.judge.registry, harness.layers.registry, harness.validate.rules, pipeline.layers.registry
print(*{name.partition(".")[0] for name in sys.modules})
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert CLIENTS & set(answer.stdout.split()) == set()


def test_no_two_layers_have_a_check_of_the_same_name() -> None:
    names = [check.name for layer in LAYERS.values() for check in layer.checks.all]
    assert len(names) == len(set(names))
    assert set(names) <= CHECKS.keys()


@pytest.mark.parametrize("layer", LAYERS.values(), ids=lambda layer: layer.name)
def test_a_layer_names_the_probes_that_it_starts(layer: Layer, tmp_path: Path) -> None:
    observed = Observed(
        scenario=scenario(),
        endpoints=Endpoints(()),
        endpoints_file=tmp_path / "endpoints.json",
        folder=tmp_path,
        history=tmp_path,
        plan=tmp_path / "plan.parquet",
        clocks=CLOCKS,
        load_duration_s=60.0,
        report=lambda _: None,
    )
    assert [probe.name for probe in layer.observer.probes(observed)] == list(layer.probes)


@dataclass
class Sampled:
    """A source that has one value."""

    name: str

    def read(self) -> Iterable[Reading]:
        yield Reading(metric=f"{self.name}_lag", value=1.0)

    def close(self) -> None:
        pass


@dataclass
class Told:
    """An observer that notes what is asked of it, and takes some time to drain."""

    name: str
    world: World

    def sources(self, endpoints: Endpoints) -> Sequence[Source]:
        return (Sampled(self.name),)

    def probes(self, observed: Observed) -> Sequence[Probe]:
        return (Probe(name=f"{self.name}-prober", argv=(str(observed.plan),)),)

    def drain(self, observed: Observed, *, timeout_s: float) -> Iterable[Reading]:
        self.world.did.append(f"drain {self.name} in {timeout_s:g} s")
        self.world.now_s += 70.0
        return (Reading(metric="drain_complete", label=self.name, value=1.0),)

    def copies(self, endpoints: Endpoints) -> Mapping[str, Callable[[], tuple[Reading, ...]]]:
        return {self.name: lambda: (Reading(metric="copies", label=self.name, value=3.0),)}

    def read_back(self, observed: Observed) -> Sequence[Callable[[], None]]:
        return (lambda: self.world.did.append(f"read back {self.name}"),)


@dataclass
class World:
    """What a run has of its platform, on a clock that stands still."""

    folder: RunFolder
    now_s: float = 1.0
    did: list[str] = field(default_factory=list)

    def spawn(self, name: str, argv: Sequence[str]) -> None:
        self.did.append(f"spawn {name} {Path(argv[0]).name}")

    def layer(self, name: str) -> Layer:
        return Layer(
            name=name,  # type: ignore[arg-type]
            equip=lambda endpoints, report: endpoints,
            observer=Told(name, self),
            uses=lambda load, stage: (),
            checks=Checks(),
        )

    @property
    def context(self) -> Any:
        kafka = KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",))
        clock = RunClock(epoch_unix_ns=0, epoch_monotonic_ns=0, monotonic_ns=lambda: round(self.now_s * 1e9))
        return SimpleNamespace(
            scenario=scenario(),
            folder=self.folder,
            platform=SimpleNamespace(
                endpoints=Endpoints((kafka,)), processes=SimpleNamespace(spawn=self.spawn)
            ),
            everything=SimpleNamespace(status=tuple),
            clock=clock,
            load=SimpleNamespace(duration_s=60.0),
            report=self.did.append,
        )


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b")], ids="+".join)
def test_each_layer_is_watched_drained_and_read_back(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(RunFolder(tmp_path))
    world.folder.history.mkdir()
    layers = [world.layer(name) for name in names]
    monkeypatch.setattr(platform_watch, "deployed_layers", lambda options: layers)
    monkeypatch.setattr(
        platform_watch, "copies_of_topics", lambda kafka: (Reading(metric="copies", value=2),)
    )
    topics = lambda kafka, plan, **_: world.did.append("read back topics")  # noqa: E731
    monkeypatch.setattr(platform_watch, "read_back_events", topics)
    watch = PlatformWatch.start(world.context, SimpleNamespace(clocks=CLOCKS))  # type: ignore[arg-type]
    watch.drain()
    watch.stop()
    watch.read_back()
    # The time to drain is that of the whole platform.
    left_s = {"a": 120, "b": 50}
    assert world.did[: -1 - len(names)] == [
        *(f"spawn {name}-prober plan.parquet" for name in names),
        *(f"drain {name} in {left_s[name]} s" for name in names),
    ]
    assert set(world.did[-1 - len(names) :]) == {"read back topics", *(f"read back {name}" for name in names)}
    (part,) = world.folder.history.rglob("*.parquet")
    rows = pq.read_table(part).to_pylist()
    assert [(row["label"], row["value"]) for row in rows if row["metric"] == "copies"] == [
        ("", 2.0),
        *((name, 3.0) for name in names),
    ]
    assert {row["label"] for row in rows if row["metric"] == "drain_complete"} == set(names)
    assert {row["metric"] for row in rows} >= {f"{name}_lag" for name in names}
