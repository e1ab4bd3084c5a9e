"""All services, by name. To add one: its files here, its templates in ``compose/``, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.services.cassandra import Cassandra
from harness.services.flink import Flink
from harness.services.kafka import Kafka
from harness.services.object_store import ObjectStore
from harness.services.protocol import Service
from harness.services.spark import Spark

_ALL: Final[tuple[Service, ...]] = (
    Kafka(),
    Flink(),
    Cassandra(),
    ObjectStore(),
    Spark(),
)
SERVICES: Final[Mapping[str, Service]] = MappingProxyType({service.name: service for service in _ALL})
