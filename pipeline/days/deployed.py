"""Whether what the lake works on was deployed, asked before a session is started for it.

Light: whoever asks needs no Spark.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pipeline.contract.topics import EVENTS
from pipeline.endpoints import Endpoints
from pipeline.errors import NotDeployed
from pipeline.kafka_access import KafkaAccess
from pipeline.lake.objects import Objects


def require_deployed(endpoints: Endpoints, services: Collection[str]) -> None:
    """Raises NotDeployed with all that is lacking on these services, and what one says that is not there."""
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
