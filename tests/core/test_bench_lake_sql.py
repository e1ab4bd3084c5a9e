"""The bench's SQL rejects what the contract rejects, for the same reason, and aggregates as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from harness.base.database import database_in_memory
from harness.load.contract_rules import contract_rules
from harness.oracle.contract import contract_rules as oracle_rules
from harness.oracle.rejection import rejection
from tests.bench import lake_sql

DAY = date(2026, 11, 20)
EVENT = {
    "event_id": "e1",
    "event_type": "seen",
    "entity_id": "x",
    "category": "a",
    "reference_id": "N1",
    "value": 2.5,
    "quantity": 3,
    "attributes": {"to": "IAH", "from": "é"},
}
WHOLE = json.dumps(EVENT)
PAYLOADS = [
    *(json.dumps({**EVENT, name: broken}) for name in EVENT for broken in (None, 17, 1.5, "", "B!", [], {})),
    *(json.dumps({key: value for key, value in EVENT.items() if key != name}) for name in EVENT),
    *(json.dumps({**EVENT, "quantity": number}) for number in (-1, 0, 2**63 - 1, 2**63, 2**70)),
    *(json.dumps({**EVENT, "attributes": {"a": value}}) for value in (None, 1, {}, "x")),
    *(json.dumps({**EVENT, name: "x" * length}) for name in EVENT for length in (128, 129)),
    WHOLE.replace("2.5", "1e999"),
    WHOLE.replace('"x"', '"\\ud800"'),
    *(WHOLE[:-1] + more for more in (', "category": "b"}', ', "new": 1}', ', "n": 1, "n": 2}', "", "} 1")),
    WHOLE.replace('"to"', '"from"'),
    f"[{WHOLE}]",
    "no JSON",
    "",
]


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with database_in_memory() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def bronze(payloads: list[bytes], **columns: Any) -> pa.Table:
    """A row a payload, each of its own millisecond."""
    rows = len(payloads)
    times = [datetime.fromtimestamp(1_700_000_000 + n / 1000, UTC) for n in range(rows)]
    own = {
        "event_date": [DAY] * rows,
        "source": ["kafka"] * rows,
        "source_name": ["events"] * rows,
        "source_partition": pa.array([0] * rows, pa.int32()),
        "source_position": list(range(rows)),
        "key": ["x"] * rows,
        "value": payloads,
        "event_time": times,
    }
    return pa.table({**own, **columns})


def decide(database: duckdb.DuckDBPyConnection, rows: pa.Table) -> list[dict[str, Any]]:
    database.register("bronze", rows)
    database.execute(f"CREATE TABLE decided AS {lake_sql.decided(contract_rules())}")
    return database.sql("FROM decided ORDER BY source_position").to_arrow_table().to_pylist()


def test_sql_rejects_for_the_reasons_of_the_contract(database: duckdb.DuckDBPyConnection) -> None:
    payloads = [*(payload.encode() for payload in PAYLOADS), b"\xff", WHOLE.encode() + b"\xff"]
    found = {row["payload"]: row["reason"] for row in decide(database, bronze(payloads))}
    assert found == {payload: rejection(payload, oracle_rules()) for payload in payloads}
    assert len(set(found.values())) > 20


def test_what_is_not_rejected_has_the_events_fields(database: duckdb.DuckDBPyConnection) -> None:
    (row,) = decide(database, bronze([WHOLE.encode()]))
    assert {name: row[name] for name in EVENT} == {**EVENT, "attributes": list(EVENT["attributes"].items())}


def test_of_an_identity_the_first_copy_from_kafka_stays(database: duckdb.DuckDBPyConnection) -> None:
    moment = [datetime(2026, 11, 20, tzinfo=UTC)] * 4
    rows = bronze(
        [WHOLE.encode()] * 3 + [b"no JSON"],
        source=["partner", "kafka", "kafka", "kafka"],
        event_time=moment,
    )
    reasons = [row["reason"] for row in decide(database, rows)]
    assert reasons == ["duplicate_identity", None, "duplicate_identity", "not_json"]


def test_rejects_are_each_their_own(database: duckdb.DuckDBPyConnection) -> None:
    moment = [datetime(2026, 11, 20, tzinfo=UTC)] * 2
    decide(database, bronze([b"no JSON"] * 2, event_time=moment))
    assert database.sql(lake_sql.REJECTS).to_arrow_table()["reason"].to_pylist() == ["not_json"] * 2


def test_silver_says_what_is_known_of_what_an_event_refers_to(database: duckdb.DuckDBPyConnection) -> None:
    events = [{**EVENT, "reference_id": known} for known in ("N1", "N2", None)]
    decide(database, bronze([json.dumps(event).encode() for event in events]))
    database.register("categories", pa.table({"category": ["a"], "name": ["Sea"]}))
    database.register("assets", pa.table({"reference_id": ["N1", "N1"]}))
    found = database.sql(f"FROM ({lake_sql.silver(contract_rules())}) ORDER BY source_position")
    rows = found.to_arrow_table().to_pylist()
    assert [row["reference_known"] for row in rows] == [True, False, None]
    assert {row["category_name"] for row in rows} == {"Sea"}
