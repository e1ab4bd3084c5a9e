"""Copies are counted where they lie, and held against what was promised."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.registry import CHECKS
from harness.observe.platform import hot_store
from harness.observe.platform import replication as observed
from harness.observe.platform.hot_store import copies_of_hot_store, keyspace_readings
from harness.observe.platform.replication import copies_of_topics, replication, topic_readings
from harness.observe.platform.sampler import Reading
from harness.scenario.model import Scenario
from harness.scenario.topology import RoleSpec, Topology
from pipeline.base.endpoints import CassandraEndpoint, KafkaEndpoint
from pipeline.base.options import PipelineOptions, TopicOptions
from pipeline.contract.topics import TOPICS
from tests.core.histories import history, sample, scenario


def promised(brokers: int = 3, nodes: int = 3, zones: str = "a", **pipeline: Any) -> Scenario:
    """A scenario with so many nodes in each zone, each of which is a region where there are several."""
    services = {
        "kafka": {"broker": RoleSpec(count=brokers, memory=2**28)},
        "cassandra": {"node": RoleSpec(count=nodes, memory=2**28)},
    }
    regions = {zone: (zone,) for zone in zones} if len(zones) > 1 else {}
    topology = Topology(name="three", zones=tuple(zones), regions=regions, services=services)
    return scenario(topology=topology, pipeline=PipelineOptions(**pipeline))


def copies(
    of: Scenario, *, topics: int = 3, in_sync: int = 2, keyspace: int | None = 3, **other: int
) -> Measurement:
    """What the check makes of so many copies; a topic may have others."""
    samples = [sample("topic_min_insync_replicas", 61, in_sync, topic) for topic in TOPICS]
    samples += [
        sample("topic_replication_factor", 61, value, topic)
        for topic, value in {**dict.fromkeys(TOPICS, topics), **other}.items()
    ]
    if keyspace is not None:
        samples.append(sample("keyspace_replication_factor", 61, keyspace, "hot"))
    return CHECKS["replication"].measure(history(of=of, samples=samples))


@pytest.mark.parametrize(
    ("of", "found"),
    [
        (promised(), {"__consumer_offsets": 3}),
        (promised(brokers=5, nodes=4), {}),
        (promised(brokers=1, nodes=1), {"topics": 1, "in_sync": 1, "keyspace": 1}),
        (promised(brokers=1, nodes=1, zones="ab"), {"topics": 1, "in_sync": 1, "keyspace": 1}),
        (promised(brokers=2, nodes=2), {"topics": 2, "in_sync": 2, "keyspace": 2}),
        (promised(topics=TopicOptions(min_insync_replicas=1)), {"in_sync": 1}),
        (promised(deploy=()), {"keyspace": None}),
    ],
    ids=[
        "three",
        "more nodes",
        "one node",
        "one node a region",
        "two nodes",
        "one in sync asked for",
        "no hot store",
    ],
)
def test_as_many_copies_as_promised_are_right(of: Scenario, found: dict[str, Any]) -> None:
    answer = copies(of, **found)
    assert isinstance(answer, Count)
    assert (answer.value, answer.examples) == (0, ())


@pytest.mark.parametrize(
    ("found", "example"),
    [
        ({"events_valid": 1}, "1 copies of topic events_valid instead of 3"),
        ({"events": 2}, "2 copies of topic events instead of 3"),
        ({"keyspace": 1}, "1 copies of keyspace hot instead of 3"),
        ({"__transaction_state": 1}, "1 copies of topic __transaction_state instead of 3"),
    ],
)
def test_one_that_has_fewer_is_wrong(found: dict[str, int], example: str) -> None:
    answer = copies(promised(), **found)
    assert isinstance(answer, Count)
    assert (answer.value, answer.examples) == (1, (example,))


def test_a_write_that_waits_for_fewer_copies_is_wrong_in_every_topic() -> None:
    answer = copies(promised(), in_sync=1)
    assert isinstance(answer, Count)
    assert answer.value == len(TOPICS)
    assert answer.examples[0] == "1 copies in sync with each write to topic events instead of 2"


def test_what_was_not_looked_up_is_not_judged() -> None:
    assert copies(promised(), keyspace=None) == Unjudged(reason="no record of the number of copies of hot")


class Admin:
    """Kafka with topics of two partitions, one of which has so many copies."""

    def __init__(self, **fewest: int) -> None:
        self.fewest = fewest

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(
            topics={
                name: SimpleNamespace(
                    partitions={
                        0: SimpleNamespace(replicas=[1, 2, 3]),
                        1: SimpleNamespace(replicas=list(range(fewest))),
                    }
                )
                for name, fewest in self.fewest.items()
            }
        )

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future[Any]]:
        answers: dict[Any, Future[Any]] = {resource: Future() for resource in resources}
        for answer in answers.values():
            answer.set_result({"min.insync.replicas": SimpleNamespace(value="2")})
        return answers


def test_a_topic_has_as_many_copies_as_the_partition_that_has_the_fewest() -> None:
    readings = list(topic_readings(Admin(events=1, __consumer_offsets=3, somebodys=1)))
    assert readings == [
        Reading(metric="topic_replication_factor", label="events", value=1),
        Reading(metric="topic_replication_factor", label="__consumer_offsets", value=3),
        Reading(metric="topic_min_insync_replicas", label="events", value=2),
    ]


class Session:
    """Cassandra's schema."""

    def __init__(self, *keyspaces: dict[str, str]) -> None:
        self.keyspaces = keyspaces

    def execute(self, query: str, parameters: tuple[str, ...]) -> list[tuple[dict[str, str]]]:
        assert parameters == ("hot",)
        return [(settings,) for settings in self.keyspaces]


def test_a_keyspace_has_its_copies_in_all_datacenters() -> None:
    settings = {"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "local": "3"}
    assert list(keyspace_readings(Session(settings))) == [
        Reading(metric="keyspace_replication_factor", label="hot", value=3)
    ]
    assert list(keyspace_readings(Session())) == []


def test_what_does_not_answer_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unanswered(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(observed, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(observed, "_admin", lambda _: Admin(events=3))
    monkeypatch.setattr(hot_store, "hot_session", unanswered)
    told: list[str] = []
    kafka = KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",))
    cassandra = CassandraEndpoint(contact_points=("127.0.0.1",), port=9042, datacenter="local")
    queries = {
        "the hot store": lambda: copies_of_hot_store(cassandra),
        "topics": lambda: copies_of_topics(kafka),
    }
    readings = replication(queries, told.append)
    assert {reading.label for reading in readings} == {"events"}
    (line,) = told
    assert line.startswith("waited 0 s for the replication of the hot store; last seen: CopiesUnknown: ")
    assert line.endswith("OSError: connection refused")
