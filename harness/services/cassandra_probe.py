"""Probes a Cassandra node with real work: writes and reads a row at QUORUM, the node coordinating."""

from __future__ import annotations

import uuid
from typing import Any, Final

from cassandra import ConsistencyLevel, DriverException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import SimpleStatement

from harness.services.protocol import Node, NotReady, check_listening

_PORT: Final = 9042
_TIMEOUT_S: Final = 5.0
_TABLE: Final = "floodmark_probe.probe"


def check_node(node: Node, *, datacenter: str, replication_factor: int, peers: int) -> None:
    """Write and read a row through this node, which must know all its peers. Raises ``NotReady``."""
    check_listening(node.address, _PORT)
    cluster = _driver(node.address)
    try:
        session = cluster.connect()
        _require_peers(session, peers)
        if node.spec.index == 0:
            _ensure_table(session, datacenter, replication_factor)
        _write_and_read(session)
    except (DriverException, NoHostAvailable, OSError) as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error
    finally:
        cluster.shutdown()


def _driver(address: str) -> Cluster:
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([address]),
        consistency_level=ConsistencyLevel.QUORUM,
        request_timeout=_TIMEOUT_S,
    )
    return Cluster(
        [address],
        port=_PORT,
        protocol_version=5,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=_TIMEOUT_S,
        control_connection_timeout=_TIMEOUT_S,
        schema_metadata_enabled=False,
        token_metadata_enabled=False,
    )


def _ensure_table(session: Session, datacenter: str, replication_factor: int) -> None:
    """Create the probe's table; for one node only, as concurrent creations can disagree on a table's ID."""
    replication = f"{{'class': 'NetworkTopologyStrategy', '{datacenter}': {replication_factor}}}"
    session.execute(f"CREATE KEYSPACE IF NOT EXISTS floodmark_probe WITH replication = {replication}")
    session.execute(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} (id uuid PRIMARY KEY) WITH default_time_to_live = 3600"
    )


def _require_peers(session: Session, peers: int) -> None:
    """Require all peers: with only a quorum known, some writes miss a live replica."""
    known = len(list(session.execute("SELECT rack FROM system.peers")))
    if known < peers:
        raise NotReady(f"knows {known} of {peers} peers")


def _write_and_read(session: Session) -> None:
    written = uuid.uuid4()
    session.execute(_quorum(f"INSERT INTO {_TABLE} (id) VALUES (%s)"), (written,))  # noqa: S608
    found: Any = session.execute(_quorum(f"SELECT id FROM {_TABLE} WHERE id = %s"), (written,)).one()  # noqa: S608
    if found is None:
        raise NotReady("a row written at QUORUM was not found at QUORUM")


def _quorum(query: str) -> SimpleStatement:
    return SimpleStatement(query, consistency_level=ConsistencyLevel.QUORUM)
