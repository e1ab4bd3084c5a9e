"""Checks a load's target before anything is sent: that it admits us, and accepts what will be sent."""

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
    """What a load needs of its topic."""

    partitions: int | None = None
    """The number that its batches were made for; any number will do when it is left out."""
    largest_bytes: int = 0
    """Of the largest record batch, or of one with the largest event alone. 0 where that is not known."""
    source: str = "the trace"
    """What needs these, for messages."""


def check_target(kafka: KafkaEndpoint, topic: str, needs: Needs) -> None:
    """Raises PlatformError, which names what is wrong: access, topic, partitions or the size of messages."""
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
            f"topic {topic} takes batches of at most {limit:,} bytes (max.message.bytes), and those of"
            f" {needs.source} have up to {needs.largest_bytes:,}"
        )


def _check_partitions(topic: str, there: dict[str, TopicMetadata], needs: Needs) -> None:
    if topic not in there:
        names = sorted(name for name in there if not name.startswith("__"))
        named = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if names[_NAMED:] else "")
        raise PlatformError(f"no topic {topic}; there are: {named or 'none'}")
    if (error := there[topic].error) is not None:
        raise PlatformError(f"topic {topic}: {error.str()}")
    count = len(there[topic].partitions)
    if needs.partitions is not None and count != needs.partitions:
        raise PlatformError(
            f"topic {topic} has {count} partitions and {needs.source} was encoded for {needs.partitions}"
        )


def _max_message_bytes(admin: AdminClient, cluster: ClusterMetadata, topic: str) -> int | None:
    """None where the cluster does not say, as to users who may not describe its settings."""
    if cluster.controller_id not in cluster.brokers:
        # The client would wait for a controller, and mock brokers have none.
        return None
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        (answer,) = admin.describe_configs([resource], request_timeout=_TIMEOUT_S).values()
        return int(_settled(answer)["max.message.bytes"].value)
    except KafkaException as error:
        _log.warning("how large a batch topic %s takes is not known: %s", topic, error.args[0].str())
        return None


def _settled(answer: Any) -> Any:
    # The client's own thread settles it, and a greenlet cannot wait on a thread's condition.
    while not answer.done():
        time.sleep(_POLL_S)
    return answer.result()
