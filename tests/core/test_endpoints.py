"""What the pipeline sees of a platform: the services that are there, in every process the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.endpoints import (
    CassandraEndpoint,
    Endpoint,
    Endpoints,
    FlinkEndpoint,
    KafkaEndpoint,
    ObjectStoreEndpoint,
    Security,
    SparkEndpoint,
)
from pipeline.errors import NoSuchService, PipelineError

KAFKA = KafkaEndpoint(
    bootstrap_servers=("k1:9092", "k2:9092"),
    security=Security(protocol="sasl_tls", username="u", password="secret"),  # noqa: S106
)
FLINK = FlinkEndpoint(
    sql_gateway_url="http://g", rest_url="http://j", checkpoint_uri="file:///c", savepoint_uri="file:///s"
)
CASSANDRA = CassandraEndpoint(contact_points=("c1",), port=9042, datacenter="dc1")


STORE = ObjectStoreEndpoint(url="http://o:9000", access_key="a", secret_key="secret")  # noqa: S106
SPARK = SparkEndpoint(master="local[2]", jars=("a.jar", "b.jar"), driver_heap_bytes=2**30)


@pytest.mark.parametrize("services", [(KAFKA, FLINK, CASSANDRA), (KAFKA,), (STORE, SPARK), ()])
def test_another_process_reads_the_services_that_there_are(
    services: tuple[Endpoint, ...], tmp_path: Path
) -> None:
    Endpoints(services).save(tmp_path / "endpoints.json")
    assert Endpoints.load(tmp_path / "endpoints.json") == Endpoints(services)


def test_only_the_owner_reads_credentials(tmp_path: Path) -> None:
    Endpoints((KAFKA,)).save(tmp_path / "endpoints.json")
    assert (tmp_path / "endpoints.json").stat().st_mode & 0o777 == 0o600
    assert "secret" not in repr((KAFKA, STORE))


@pytest.mark.parametrize("service", ["kafka", "flink", "cassandra", "object_store", "spark"])
def test_a_service_that_is_not_there_is_named(service: str) -> None:
    with pytest.raises(NoSuchService, match=f"the platform has no {service}; it has no service"):
        getattr(Endpoints(()), service)


def test_who_asks_for_a_service_that_is_not_there_learns_which_are() -> None:
    with pytest.raises(PipelineError, match="no flink; it has kafka, cassandra"):
        _ = Endpoints((KAFKA, CASSANDRA)).flink


def test_an_endpoint_takes_the_place_of_its_services() -> None:
    with_jar = replace(FLINK, job_jar="/job.jar")
    assert Endpoints((KAFKA, FLINK)).replacing(with_jar) == Endpoints((KAFKA, with_jar))


def test_a_service_is_added_once() -> None:
    larger = replace(SPARK, driver_heap_bytes=2**31)
    assert Endpoints((STORE,)).adding(SPARK).adding(larger) == Endpoints((STORE, larger))
