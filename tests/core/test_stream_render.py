"""The statements of a deployment, from the .sql files, the contract and the options."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pipeline.base.endpoints import CassandraEndpoint, Endpoints, FlinkEndpoint, KafkaEndpoint, Security
from pipeline.base.errors import PipelineError
from pipeline.base.options import StreamOptions
from pipeline.contract.derive import event_contract
from pipeline.contract.topics import TOPICS
from pipeline.stream.render import JobDefinition, job_definition, statements

ENDPOINTS = Endpoints(
    (
        KafkaEndpoint(bootstrap_servers=("k1:9092", "k2:9092")),
        FlinkEndpoint(
            sql_gateway_url="http://g",
            rest_url="http://j",
            checkpoint_uri="file:///c",
            savepoint_uri="file:///s",
        ),
        CassandraEndpoint(contact_points=("c1",), port=9042, datacenter="dc1"),
    )
)


def definition(**options: Any) -> JobDefinition:
    return job_definition(ENDPOINTS, StreamOptions(**options), event_contract())


def table(of: JobDefinition, name: str) -> str:
    return next(t for t in of.tables if t.startswith((f"CREATE TABLE {name} ", f"CREATE VIEW {name} ")))


def test_every_topic_is_a_table() -> None:
    assert all(table(definition(), topic) for topic in TOPICS)


def test_nothing_is_left_to_fill_in() -> None:
    made = definition()
    assert not [s for s in (*made.tables, made.job) if "${" in s or "-- " in s]


def test_every_insert_is_of_one_job() -> None:
    written = re.findall(r"INSERT INTO (\w+)", definition().job)
    assert written == ["events_dead_letter", "events_valid", "events_late", "window_results"]
    assert definition().job.startswith("EXECUTE STATEMENT SET BEGIN\n")


def test_late_events_go_to_their_topic_and_into_no_window() -> None:
    assert "FROM judged_events WHERE NOT late" in table(definition(), "windowed_events")


def test_dropping_late_events_leaves_them_to_the_windows() -> None:
    made = definition(late_events="drop")
    assert "events_late" not in made.job
    assert "late" not in table(made, "windowed_events")


def test_duplicates_are_known_by_the_contracts_identity() -> None:
    assert "PARTITION BY event_id, event_time" in table(definition(), "deduplicated_events")


def test_every_sink_commits_with_the_checkpoints() -> None:
    sinks = [t for t in definition().tables if "'key.format'" in t]
    assert len(sinks) == 3
    assert all("'sink.delivery-guarantee' = 'exactly-once'" in sink for sink in sinks)


def test_every_topic_has_transactions_of_its_own() -> None:
    prefixes = re.findall(r"'sink.transactional-id-prefix' = '([^']+)'", "\n".join(definition().tables))
    assert len(set(prefixes)) == len(prefixes) == 4


def test_a_weaker_guarantee_is_passed_on() -> None:
    sink = table(definition(delivery="at_least_once"), "events_valid")
    assert "'sink.delivery-guarantee' = 'at-least-once'" in sink


def test_times_reach_flink_in_milliseconds() -> None:
    source = table(definition(out_of_orderness_event_s=1.5, idle_timeout_s=2.0), "events")
    assert "'watermark.out-of-orderness' = '1500 ms'" in source
    assert "'watermark.idle-timeout' = '2000 ms'" in source
    assert "'late.window' = '300000 ms'" in source


@pytest.mark.parametrize(
    ("view", "double"),
    [
        ("tumbling_windows", "SUM(`value`)"),
        ("hopping_windows", "SUM(`value`)"),
        ("session_windows", "value_sum"),
    ],
)
def test_a_sum_that_is_not_finite_is_null(view: str, double: str) -> None:
    finite = f"CASE WHEN ABS({double}) <= 1.7976931348623157E308 THEN {double} END AS value_sum"
    assert finite in table(definition(), view)


def test_a_quote_in_an_option_is_escaped() -> None:
    quoted = replace(ENDPOINTS.kafka, bootstrap_servers=("o'hare:9092",))
    made = job_definition(ENDPOINTS.replacing(quoted), StreamOptions(), event_contract())
    assert "'properties.bootstrap.servers' = 'o''hare:9092'" in table(made, "events")


def test_equal_definitions_have_the_same_name() -> None:
    assert definition().name == definition().name


@pytest.mark.parametrize(
    "change", [{"parallelism": 3}, {"delivery": "at_least_once"}, {"dedup_horizon_s": 60.0}]
)
def test_another_definition_has_another_name(change: dict[str, Any]) -> None:
    assert definition(**change).name != definition().name


def test_another_jar_is_another_definition() -> None:
    with_jar = ENDPOINTS.replacing(replace(ENDPOINTS.flink, job_jar="/other.jar"))
    assert job_definition(with_jar, StreamOptions(), event_contract()).name != definition().name


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        statements("tables.sql", {}, StreamOptions())


def test_a_protocol_that_no_client_speaks_is_refused() -> None:
    secure = replace(ENDPOINTS.kafka, security=Security(protocol="tls"))
    with pytest.raises(PipelineError, match="only plaintext"):
        job_definition(ENDPOINTS.replacing(secure), StreamOptions(), event_contract())
