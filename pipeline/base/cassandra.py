"""Connects the pipeline to Cassandra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from cassandra import DriverException, ProtocolVersion
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import (
    ConstantReconnectionPolicy,
    DCAwareRoundRobinPolicy,
    FallthroughRetryPolicy,
    TokenAwarePolicy,
)
from cassandra.query import ConsistencyLevel
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipeline.base.endpoints import CassandraEndpoint
from pipeline.base.errors import CassandraFailed, NotReady
from pipeline.base.security import require_plaintext

_CONNECT_TIMEOUT_S: Final = 10.0
_REQUEST_TIMEOUT_S: Final = 10.0
_SCHEMA_TIMEOUT_S: Final = 30.0


@contextmanager
def connect(endpoint: CassandraEndpoint, *, ready_timeout_s: float = 30.0) -> Iterator[Any]:
    """Open a token-aware session that reads and writes at LOCAL_QUORUM. Waits for a node to be ready.

    The driver retries nothing by itself. Raises CassandraFailed when no node answers in time.
    """
    require_plaintext(endpoint.security)
    cluster = Cluster(
        contact_points=list(endpoint.contact_points),
        port=endpoint.port,
        protocol_version=ProtocolVersion.V5,
        connect_timeout=_CONNECT_TIMEOUT_S,
        max_schema_agreement_wait=_SCHEMA_TIMEOUT_S,
        reconnection_policy=ConstantReconnectionPolicy(delay=1.0, max_attempts=None),
        execution_profiles={EXEC_PROFILE_DEFAULT: _profile(endpoint)},
    )
    try:
        yield _retry(cluster.connect, ready_timeout_s)
    finally:
        cluster.shutdown()


def execute_schema(session: Any, statements: Iterable[str]) -> None:
    """Run schema statements one by one, waiting for schema agreement after each. Raises CassandraFailed."""
    for statement in statements:
        try:
            result = session.execute(statement, timeout=_SCHEMA_TIMEOUT_S)
        except (DriverException, NoHostAvailable) as error:
            raise CassandraFailed(f"{statement}: {error}") from error
        if not result.response_future.is_schema_agreed:
            raise CassandraFailed(f"{statement}: the nodes do not agree on the schema")


def _profile(endpoint: CassandraEndpoint) -> ExecutionProfile:
    return ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=endpoint.datacenter)),
        retry_policy=FallthroughRetryPolicy(),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        request_timeout=_REQUEST_TIMEOUT_S,
    )


def _retry(connect: Any, timeout_s: float) -> Any:
    def attempt() -> Any:
        try:
            return connect()
        except NoHostAvailable as error:
            raise NotReady(str(error)) from error

    retrying = Retrying(
        retry=retry_if_exception_type(NotReady),
        wait=wait_exponential(multiplier=0.1, max=1.0),
        stop=stop_after_delay(timeout_s),
        reraise=True,
    )
    try:
        return retrying(attempt)
    except NotReady as error:
        raise CassandraFailed(f"no node answers: {error}") from error
