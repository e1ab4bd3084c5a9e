"""Whether what the lake works on was deployed, asked before a Spark session is started for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import NotDeployed
from pipeline.base.kafka_access import KafkaAccess
from pipeline.contract.topics import EVENTS
from pipeline.lake.objects import Objects


def require_deployed(endpoints: Endpoints, services: Collection[str]) -> None:
    """Raise NotDeployed with everything missing on these services. Also raises what a dead service raises."""
    if lacking := tuple(_lacking(endpoints, services)):
        raise NotDeployed(lacking)


def _lacking(endpoints: Endpoints, services: Collection[str]) -> Iterator[str]:
    if "kafka" in services:
        kafka = endpoints.kafka
        if EVENTS not in KafkaAccess(kafka).metadata().topics:
            yield f"kafka at {kafka.bootstrap} has no topic {EVENTS}"
    if "object_store" in services:
        store = endpoints.object_store
        if not Objects(store).has_bucket():
            yield f"the object store at {store.url} has no bucket {store.bucket}"
