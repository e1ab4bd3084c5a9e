"""Administers Kafka topics and consumer groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import KafkaFailed, NotReady
from pipeline.base.kafka_access import KafkaAccess
from pipeline.base.options import TopicOptions

_TIMEOUT_S: Final = 30.0
_GONE: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND)
_NOT_YET: Final = frozenset(
    {
        KafkaError.NON_EMPTY_GROUP,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_CONTROLLER,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
    }
)
"""Errors of a cluster that is starting or electing. A replication factor is too large until brokers join."""


class Topics:
    """Creates and deletes topics, and deletes consumer groups. Every method is idempotent."""

    def __init__(self, endpoint: KafkaEndpoint) -> None:
        self._replication_factor = endpoint.replication_factor
        self._access = KafkaAccess(endpoint)
        self._admin = self._access.admin

    def create(self, names: Iterable[str], options: TopicOptions) -> None:
        """Create missing topics and wait until each partition has a leader. Raises KafkaFailed."""
        wanted = set(names)

        def create() -> None:
            there = set(self._access.metadata().topics)
            if new := [self._new_topic(name, options) for name in sorted(wanted - there)]:
                _settle(
                    self._admin.create_topics(new, operation_timeout=_TIMEOUT_S, request_timeout=_TIMEOUT_S),
                    "create topic",
                    accept=(KafkaError.TOPIC_ALREADY_EXISTS,),
                )
            self._require_leaders(wanted)

        _retry(create)

    def delete(self, names: Iterable[str]) -> None:
        """Delete the topics that exist and wait until they are gone. Raises KafkaFailed."""
        wanted = set(names)

        def delete() -> None:
            if doomed := sorted(wanted & set(self._access.metadata().topics)):
                _settle(
                    self._admin.delete_topics(
                        doomed, operation_timeout=_TIMEOUT_S, request_timeout=_TIMEOUT_S
                    ),
                    "delete topic",
                    accept=_GONE,
                )
            if left := wanted & set(self._access.metadata().topics):
                raise NotReady(f"topics {sorted(left)} are still there")

        _retry(delete)

    def forget_groups(self, groups: Iterable[str]) -> None:
        """Delete consumer groups once their members have left. Raises KafkaFailed."""
        wanted = list(groups)

        def forget() -> None:
            _settle(
                self._admin.delete_consumer_groups(wanted, request_timeout=_TIMEOUT_S),
                "delete consumer group",
                accept=_GONE,
            )

        _retry(forget)

    def _new_topic(self, name: str, options: TopicOptions) -> NewTopic:
        return NewTopic(
            name,
            num_partitions=options.partitions,
            replication_factor=self._replication_factor,
            config={
                "retention.ms": str(options.retention_s * 1000),
                "min.insync.replicas": str(min(options.min_insync_replicas, self._replication_factor)),
                "unclean.leader.election.enable": str(options.unclean_leader_election).lower(),
                "message.timestamp.type": "CreateTime",
            },
        )

    def _require_leaders(self, names: set[str]) -> None:
        topics = self._access.metadata().topics
        for name in sorted(names):
            if name not in topics or topics[name].error is not None:
                raise NotReady(f"topic {name} is not there yet")
            leaderless = [p.id for p in topics[name].partitions.values() if p.leader < 0]
            if leaderless or not topics[name].partitions:
                raise NotReady(f"topic {name}: partitions {leaderless} have no leader yet")


def _retry(action: Callable[[], None]) -> None:
    retrying = Retrying(
        retry=retry_if_exception_type(NotReady),
        wait=wait_exponential(multiplier=0.05, max=1.0),
        stop=stop_after_delay(_TIMEOUT_S),
        reraise=True,
    )
    try:
        retrying(action)
    except NotReady as error:
        raise KafkaFailed(f"not within {_TIMEOUT_S:g} s: {error}") from error


def _settle(futures: Mapping[str, Future[Any]], what: str, *, accept: tuple[int, ...]) -> None:
    """Wait for every future. Errors in ``accept`` count as success; transient ones raise NotReady."""
    for name, future in futures.items():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            reason, code = f"{what} {name}: {error.args[0].str()}", error.args[0].code()
            if code in _NOT_YET or error.args[0].retriable():
                raise NotReady(reason) from error
            if code not in accept:
                raise KafkaFailed(reason) from error
