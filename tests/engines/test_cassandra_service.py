"""Cassandra on the process backend: three racks, quorum, and nodes that keep their data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cassandra import ConsistencyLevel, Unavailable
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import SimpleStatement

from harness.backends.platform import SupervisedPlatform
from harness.base.waiting import wait_until
from tests.engines.service_platform import running, state_of


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedPlatform]:
    yield from running(tmp_path_factory.mktemp("cassandra"), "cassandra", {"node": (3, 384)})


@pytest.fixture(scope="module")
def session(platform: SupervisedPlatform) -> Iterator[Session]:
    """Speaks to the second node, which no test breaks."""
    endpoint = platform.endpoints.cassandra
    coordinator = endpoint.contact_points[1]
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([coordinator]),
        consistency_level=ConsistencyLevel.QUORUM,
        request_timeout=30,
    )
    profiles = {EXEC_PROFILE_DEFAULT: profile}
    cluster = Cluster([coordinator], port=endpoint.port, protocol_version=5, execution_profiles=profiles)
    session = cluster.connect()
    session.execute(
        "CREATE KEYSPACE hot WITH replication = "
        f"{{'class': 'NetworkTopologyStrategy', '{endpoint.datacenter}': {endpoint.replication_factor}}}"
    )
    session.execute("CREATE TABLE hot.events (id int PRIMARY KEY, note text)")
    yield session
    cluster.shutdown()


def write(session: Session, key: int, note: str, level: int = ConsistencyLevel.QUORUM) -> None:
    statement = SimpleStatement("INSERT INTO hot.events (id, note) VALUES (%s, %s)", consistency_level=level)
    session.execute(statement, (key, note))


def write_to_all(session: Session, key: int, note: str) -> None:
    """Peers that are known may still be on their way up."""

    def written() -> bool:
        write(session, key, note, ConsistencyLevel.ALL)
        return True

    wait_until(written, timeout_s=30, what="every replica to be up", transient=(Unavailable,))


def read(session: Session, key: int, level: int = ConsistencyLevel.QUORUM) -> str:
    statement = SimpleStatement("SELECT note FROM hot.events WHERE id = %s", consistency_level=level)
    return str(session.execute(statement, (key,)).one().note)


def test_every_node_is_in_a_rack_of_its_own(session: Session) -> None:
    peers = [row.rack for row in session.execute("SELECT rack FROM system.peers")]
    own = session.execute("SELECT rack FROM system.local").one().rack
    assert sorted([own, *peers]) == ["a", "b", "c"]


def test_what_is_written_is_read_at_quorum(session: Session) -> None:
    write(session, 1, "round trip")
    assert read(session, 1) == "round trip"


def test_a_killed_node_starts_again_with_its_data(platform: SupervisedPlatform, session: Session) -> None:
    write_to_all(session, 2, "on all three")
    platform.signal("cassandra-node-1", "kill")
    write(session, 3, "on two")
    platform.start("cassandra-node-1")
    assert state_of(platform, "cassandra-node-1") == "ready"
    wait_until(
        lambda: read(session, 2, ConsistencyLevel.ALL) == "on all three",
        timeout_s=30,
        what="every replica to be up with its data",
        transient=(Unavailable,),
    )
    assert read(session, 3) == "on two"


def test_writes_go_on_while_a_node_is_paused(platform: SupervisedPlatform, session: Session) -> None:
    platform.signal("cassandra-node-3", "pause")
    write(session, 4, "on the other two")
    platform.signal("cassandra-node-3", "resume")
    assert read(session, 4) == "on the other two"
