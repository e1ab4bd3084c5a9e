"""A broker is ready once it takes part, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic
from hypothesis import given
from hypothesis import strategies as st

from harness.scenario.topology import RoleSpec, Topology
from harness.services import kafka_probe
from harness.services.kafka_probe import check_broker, replicas_of
from harness.services.protocol import Node, NotReady

FACTOR = 3


class Cluster:
    """What every client of it is told: a topic without an assignment goes to the first brokers."""

    def __init__(self, brokers: Collection[int]) -> None:
        self.brokers = set(brokers)
        self.replicas: dict[str, list[int]] = {}
        self.written = b""

    def create_topics(self, topics: Sequence[NewTopic], **_: object) -> dict[str, Future[None]]:
        return {topic.topic: self._create(topic) for topic in topics}

    def _create(self, topic: NewTopic) -> Future[None]:
        done = Future[None]()
        if topic.topic in self.replicas:
            done.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_ALREADY_EXISTS)))
            return done
        assigned = topic.replica_assignment or [sorted(self.brokers)[: topic.replication_factor]]
        self.replicas[topic.topic] = list(assigned[0])
        done.set_result(None)
        return done

    def list_topics(self, *_: object, **__: object) -> Any:
        topics = {
            name: SimpleNamespace(
                partitions={0: SimpleNamespace(isrs=[one for one in replicas if one in self.brokers])}
            )
            for name, replicas in self.replicas.items()
        }
        return SimpleNamespace(brokers=dict.fromkeys(self.brokers), topics=topics)

    def produce(self, topic: str, value: bytes, partition: int, on_delivery: Any) -> None:
        self.written = value
        on_delivery(None, SimpleNamespace(offset=lambda: 0))

    def flush(self, timeout: float) -> None: ...

    def assign(self, partitions: object) -> None: ...

    def poll(self, timeout: float) -> Any:
        return SimpleNamespace(value=lambda: self.written)

    def close(self) -> None: ...


def broker(number: int, of: int = 200) -> Node:
    topology = Topology(
        name="t", zones=("a",), services={"kafka": {"broker": RoleSpec(count=of, memory=2**26)}}
    )
    return Node(spec=topology.nodes()[number - 1], address="127.0.0.1", data_dir=Path("none"))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    there = Cluster(())
    monkeypatch.setattr(kafka_probe, "check_listening", lambda *_: None)
    for client in ("AdminClient", "Producer", "Consumer"):
        monkeypatch.setattr(kafka_probe, client, lambda settings: there)
    return there


def check(number: int, factor: int = FACTOR) -> None:
    check_broker(broker(number), node_id=number, replication_factor=factor)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 30])
def test_every_broker_of_any_number_is_ready_once_all_are_there(count: int, cluster: Cluster) -> None:
    cluster.brokers |= set(range(1, count + 1))
    factor = min(FACTOR, count)
    for number in cluster.brokers:
        check(number, factor)
    assert {len(set(replicas)) for replicas in cluster.replicas.values()} == {factor}


@given(st.sets(st.integers(1, 50), min_size=1), st.data())
def test_a_broker_holds_its_own_probe_and_others_as_many_copies_as_there_can_be(
    brokers: set[int], data: st.DataObject
) -> None:
    number = data.draw(st.sampled_from(sorted(brokers)))
    replicas = replicas_of(number, brokers, FACTOR)
    assert replicas[0] == number
    assert len(set(replicas)) == len(replicas) == min(FACTOR, len(brokers))


def test_a_broker_that_the_cluster_does_not_list_is_not_ready(cluster: Cluster) -> None:
    cluster.brokers |= {1, 2, 3, 5}
    with pytest.raises(NotReady, match=r"broker 4 has not joined; brokers in the cluster: 1, 2, 3, 5$"):
        check(4)


def test_a_broker_waits_for_as_many_as_its_records_are_copied_to(cluster: Cluster) -> None:
    cluster.brokers |= {1, 4}
    with pytest.raises(NotReady, match=r"3 brokers are needed; brokers in the cluster: 1, 4$"):
        check(4)
    assert not cluster.replicas


def test_a_broker_that_comes_back_waits_for_no_other_that_is_dead(cluster: Cluster) -> None:
    cluster.brokers |= {1, 2, 3, 4, 5}
    check(4)
    cluster.brokers -= {1, 5, 4}
    with pytest.raises(NotReady):
        check(4)
    cluster.brokers |= {4}
    check(4)


def test_a_broker_that_lags_behind_is_not_ready(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.brokers |= {1, 2, 3}
    check(2)
    there = cluster.list_topics()
    (partition,) = there.topics[next(iter(cluster.replicas))].partitions.values()
    partition.isrs = [1, 3]
    monkeypatch.setattr(cluster, "list_topics", lambda *_, **__: there)
    with pytest.raises(NotReady, match=r"broker 2 is not in sync; in-sync replicas: \[1, 3\]"):
        check(2)
