"""The hot store's schema."""

from __future__ import annotations

from pipeline.contract.derive import event_contract
from pipeline.hot.schema import RECENT_EVENTS, create_statements, event_columns, insert_statement

STATEMENTS = create_statements(event_contract(), datacenter="dc1", replication_factor=3, ttl_s=7 * 86_400)


def test_the_keyspace_is_replicated_in_the_datacenter() -> None:
    assert "{'class': 'NetworkTopologyStrategy', 'dc1': 3}" in STATEMENTS[0]


def test_events_are_read_by_entity_and_day_the_newest_first() -> None:
    assert "PRIMARY KEY ((entity_id, day), event_time, event_id)" in STATEMENTS[1]
    assert "CLUSTERING ORDER BY (event_time DESC, event_id ASC)" in STATEMENTS[1]


def test_windows_are_read_by_kind_key_and_day_the_newest_first() -> None:
    assert "PRIMARY KEY ((window_kind, key, day), window_end, window_start)" in STATEMENTS[2]


def test_rows_expire() -> None:
    assert all("default_time_to_live = 604800" in table for table in STATEMENTS[1:])


def test_nothing_that_is_there_is_made_again() -> None:
    assert all("IF NOT EXISTS" in statement for statement in STATEMENTS)


def test_an_insert_binds_every_column() -> None:
    columns = event_columns(event_contract())
    assert insert_statement(RECENT_EVENTS, columns).count("?") == len(columns) == 10
