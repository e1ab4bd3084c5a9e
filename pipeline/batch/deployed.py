"""Whether what the batch layer works on was deployed, asked before a session is started for it.

Light: whoever asks needs no Spark.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.contract.topics import EVENTS
from pipeline.endpoints import Endpoints
from pipeline.errors import NotDeployed
from pipeline.kafka_access import KafkaAccess
from pipeline.lake.objects import Objects


def require_deployed(endpoints: Endpoints) -> None:
    """Raises NotDeployed with all that is lacking, and what an engine says that does not answer."""
    if lacking := tuple(_lacking(endpoints)):
        raise NotDeployed(lacking)


def _lacking(endpoints: Endpoints) -> Iterator[str]:
    kafka, store = endpoints.kafka, endpoints.object_store
    if EVENTS not in KafkaAccess(kafka).metadata().topics:
        yield f"kafka at {kafka.bootstrap} has no topic {EVENTS}"
    if not Objects(store).has_bucket():
        yield f"the object store at {store.url} has no bucket {store.bucket}"
