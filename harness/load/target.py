"""Checks a load's target before anything is sent: access, topic, partitions and batch size."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

from harness.base.errors import PlatformError, WaitTimeout
from harness.base.waiting import wait_until
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import NotReady, PipelineError
from pipeline.base.kafka_access import KafkaAccess

_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.01
_NAMED: Final = 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a load requires of its topic."""

    partitions: int | None = None
    """The number that its batches were encoded for; None if any number will do."""
    largest_bytes: int = 0
    """Size of the largest record batch, or of one holding only the largest event; 0 if unknown."""
    source: str = "the trace"
    """What has these requirements, for messages."""


def check_target(kafka: KafkaEndpoint, topic: str, needs: Needs) -> None:
    """Raise PlatformError naming what is wrong: access, topic, partitions or batch size."""
    try:
        access = KafkaAccess(kafka)
        cluster = wait_until(
            access.metadata, timeout_s=_TIMEOUT_S, what=f"kafka at {kafka.bootstrap}", transient=(NotReady,)
        )
    except (PipelineError, WaitTimeout) as error:
        raise PlatformError(str(error)) from error
    _check_partitions(topic, cluster.topics, needs)
    limit = _max_message_bytes(access.admin, cluster, topic) if needs.largest_bytes else None
    if limit is not None and needs.largest_bytes > limit:
        raise PlatformError(
            f"topic {topic} accepts batches of at most {limit:,} bytes (max.message.bytes), but those of"
            f" {needs.source} have up to {needs.largest_bytes:,}; raise the topic's limit"
        )


def _check_partitions(topic: str, topics: dict[str, TopicMetadata], needs: Needs) -> None:
    if topic not in topics:
        names = sorted(name for name in topics if not name.startswith("__"))
        named = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if names[_NAMED:] else "")
        raise PlatformError(f"topic {topic} does not exist; existing topics: {named or 'none'}")
    if (error := topics[topic].error) is not None:
        raise PlatformError(f"topic {topic}: {error.str()}")
    count = len(topics[topic].partitions)
    if needs.partitions is not None and count != needs.partitions:
        raise PlatformError(
            f"topic {topic} has {count} partitions, but {needs.source} was encoded for {needs.partitions}"
        )


def _max_message_bytes(admin: AdminClient, cluster: ClusterMetadata, topic: str) -> int | None:
    """The topic's limit; None if the cluster does not report it, for example for lack of permission."""
    if cluster.controller_id not in cluster.brokers:
        # The client would wait for a controller, which mock brokers lack.
        return None
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        (answer,) = admin.describe_configs([resource], request_timeout=_TIMEOUT_S).values()
        return int(_result_of(answer)["max.message.bytes"].value)
    except KafkaException as error:
        _log.warning("cannot read max.message.bytes of topic %s: %s", topic, error.args[0].str())
        return None


def _result_of(answer: Any) -> Any:
    # The client's own thread completes the future, and a greenlet cannot wait on a thread's condition.
    while not answer.done():
        time.sleep(_POLL_S)
    return answer.result()
