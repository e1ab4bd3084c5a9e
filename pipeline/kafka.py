"""What every Kafka client of the pipeline is configured with, and the topics' administration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipeline.endpoints import KafkaEndpoint, Security
from pipeline.errors import KafkaFailed, NotReady, PipelineError
from pipeline.options import TopicOptions

_TIMEOUT_S = 30.0
_GONE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND)


def require_plaintext(security: Security) -> None:
    """Refuse what no client here is configured for yet. Raises PipelineError."""
    if security.protocol != "plaintext":
        raise PipelineError(f"security protocol {security.protocol}: only plaintext is supported yet")


def client_config(endpoint: KafkaEndpoint) -> dict[str, Any]:
    """The configuration that librdkafka's clients share."""
    require_plaintext(endpoint.security)
    return {"bootstrap.servers": endpoint.bootstrap}


class Topics:
    """Creates and deletes topics, and forgets consumer groups. Every method may be repeated."""

    def __init__(self, endpoint: KafkaEndpoint) -> None:
        self._replication_factor = endpoint.replication_factor
        # What goes wrong is raised; the client's own lines about lost connections would only be repeated.
        self._admin = AdminClient({**client_config(endpoint), "log_level": 0})

    def create(self, names: Iterable[str], options: TopicOptions) -> None:
        """Make the topics that are not there; wait until each partition has a leader. Raises KafkaFailed."""
        wanted = set(names)
        new = [self._new_topic(name, options) for name in sorted(wanted - self._existing())]
        if new:
            futures = self._admin.create_topics(new, operation_timeout=_TIMEOUT_S, request_timeout=_TIMEOUT_S)
            _settle(futures, "create topic", accept=(KafkaError.TOPIC_ALREADY_EXISTS,))
        self._retry(lambda: self._require_leaders(wanted))

    def delete(self, names: Iterable[str]) -> None:
        """Delete the topics that are there, and wait until they are gone. Raises KafkaFailed."""
        doomed = set(names) & self._existing()
        if doomed:
            futures = self._admin.delete_topics(
                sorted(doomed), operation_timeout=_TIMEOUT_S, request_timeout=_TIMEOUT_S
            )
            _settle(futures, "delete topic", accept=_GONE)
        self._retry(lambda: self._require_absent(doomed))

    def forget_groups(self, groups: Iterable[str]) -> None:
        """Delete consumer groups once their members have left. Raises KafkaFailed."""

        def forget() -> None:
            futures = self._admin.delete_consumer_groups(list(groups), request_timeout=_TIMEOUT_S)
            _settle(futures, "delete consumer group", accept=_GONE, not_yet=(KafkaError.NON_EMPTY_GROUP,))

        self._retry(forget)

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

    def _existing(self) -> set[str]:
        return set(self._admin.list_topics(timeout=_TIMEOUT_S).topics)

    def _require_leaders(self, names: set[str]) -> None:
        topics = self._admin.list_topics(timeout=_TIMEOUT_S).topics
        for name in sorted(names):
            if name not in topics or topics[name].error is not None:
                raise NotReady(f"topic {name} is not there yet")
            leaderless = [p.id for p in topics[name].partitions.values() if p.leader < 0]
            if leaderless or not topics[name].partitions:
                raise NotReady(f"topic {name}: partitions {leaderless} have no leader yet")

    def _require_absent(self, names: set[str]) -> None:
        if left := names & self._existing():
            raise NotReady(f"topics {sorted(left)} are still there")

    @staticmethod
    def _retry(action: Any) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(NotReady),
            wait=wait_exponential(multiplier=0.05, max=1.0),
            stop=stop_after_delay(_TIMEOUT_S),
            reraise=True,
        )
        try:
            retrying(action)
        except NotReady as error:
            raise KafkaFailed(str(error)) from error


def _settle(
    futures: dict[str, Any], what: str, *, accept: tuple[int, ...] = (), not_yet: tuple[int, ...] = ()
) -> None:
    """Wait for every future. Errors in ``accept`` count as success; those in ``not_yet`` raise NotReady."""
    for name, future in futures.items():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            code = error.args[0].code()
            if code in not_yet:
                raise NotReady(f"{what} {name}: {error.args[0].str()}") from error
            if code not in accept:
                raise KafkaFailed(f"{what} {name}: {error.args[0].str()}") from error
