"""Queries Cassandra for the number of copies of the hot store's rows.

The metric, in ``samples``: ``keyspace_replication_factor``, by keyspace, summed over all datacenters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.observe.platform.replication import CopiesUnknown
from harness.observe.platform.sampler import Reading
from pipeline.base.endpoints import CassandraEndpoint
from pipeline.hot.schema import KEYSPACE

KEYSPACE_FACTOR: Final = "keyspace_replication_factor"
_TIMEOUT_S: Final = 5.0
_KEYSPACE: Final = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"


def copies_of_hot_store(cassandra: CassandraEndpoint) -> tuple[Reading, ...]:
    """The copies of the hot store's keyspace. Raises CopiesUnknown."""
    try:
        with hot_session(cassandra, timeout_s=_TIMEOUT_S) as session:
            return tuple(keyspace_readings(session))
    except HOT_STORE_ERRORS as error:
        raise CopiesUnknown(f"{type(error).__name__}: {error}") from error


def keyspace_readings(session: Any) -> Iterator[Reading]:
    """The readings of the hot store's keyspace; none where it does not exist."""
    for (settings,) in session.execute(_KEYSPACE, (KEYSPACE,)):
        copies = sum(int(value) for name, value in settings.items() if name != "class")
        yield Reading(metric=KEYSPACE_FACTOR, label=KEYSPACE, value=copies)
