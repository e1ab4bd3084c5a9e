"""The observer's session with the hot store: reads at QUORUM, rows as tuples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cassandra import ConsistencyLevel, DriverException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import tuple_factory

from pipeline.base.endpoints import CassandraEndpoint

HOT_STORE_ERRORS: Final = (DriverException, NoHostAvailable, OSError)
"""What the driver raises when the hot store cannot serve a request."""

_PROTOCOL_VERSION: Final = 5


@contextmanager
def hot_session(endpoint: CassandraEndpoint, *, timeout_s: float) -> Iterator[Session]:
    """A session for reads. Raises one of ``HOT_STORE_ERRORS`` when no node answers."""
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(endpoint.datacenter)),
        consistency_level=ConsistencyLevel.QUORUM,
        request_timeout=timeout_s,
        row_factory=tuple_factory,
    )
    cluster = Cluster(
        list(endpoint.contact_points),
        port=endpoint.port,
        protocol_version=_PROTOCOL_VERSION,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=timeout_s,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()
