"""What the pipeline sees of a platform: the services that are there, in every process the same."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.base.endpoints import (
    CassandraEndpoint,
    Endpoint,
    Endpoints,
    FlinkEndpoint,
    KafkaEndpoint,
    ObjectStoreEndpoint,
    Security,
    SparkEndpoint,
)
from pipeline.base.errors import NoSuchRegion, NoSuchService, PipelineError, SettingsRefused
from pipeline.base.options import LakeOptions, PipelineOptions

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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", ["it cannot be read as JSON: Expecting property name"]),
        ("[]", ["found a list; allowed: an object"]),
        ('{"kafka": {}}', ["kafka.bootstrap_servers: found nothing; allowed: a value, as it has no default"]),
        (
            '{"kafkas": {}, "spark": {"master": 3, "jars": [], "driver_heap_bytes": 1, "more": 1}}',
            [
                "found kafkas; allowed: kafka, flink",
                "spark.master: found 3; allowed: a valid string",
                "spark.more: found 1; allowed: no field of this name",
            ],
        ),
        (
            '{"kafka": {"bootstrap_servers": ["k"], "security": {"password": 31337, "protocol": "tcp"}}}',
            [
                "kafka.security.protocol: found 'tcp'; allowed: 'plaintext', 'tls'",
                "kafka.security.password: found a int; allowed: a valid string",
            ],
        ),
    ],
)
def test_a_file_of_something_else_is_refused_with_every_problem(
    text: str, told: list[str], tmp_path: Path
) -> None:
    (tmp_path / "endpoints.json").write_text(text)
    with pytest.raises(SettingsRefused) as refused:
        Endpoints.load(tmp_path / "endpoints.json")
    assert [t for p, t in zip(refused.value.problems, told, strict=True) if not p.startswith(t)] == []


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"nowhere\.json.*No such file"):
        Endpoints.load(tmp_path / "nowhere.json")


def test_options_are_read_as_they_were_written(tmp_path: Path) -> None:
    options = PipelineOptions(deploy=("stream", "lake"), lake=LakeOptions(gates="skip"))
    options.save(tmp_path / "options.json")
    assert PipelineOptions.load(tmp_path / "options.json") == options


def test_options_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "options.json").write_text('{"deploy": ["all"], "lake": {"gates": "open"}}')
    with pytest.raises(SettingsRefused, match=r"deploy\.0: found 'all'.*; lake\.gates: found 'open'"):
        PipelineOptions.load(tmp_path / "options.json")


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


def test_a_kind_of_endpoint_is_asked_for() -> None:
    assert Endpoints((KAFKA, FLINK)).of(FlinkEndpoint) is FLINK
    with pytest.raises(NoSuchService, match="no spark; it has kafka"):
        Endpoints((KAFKA,)).of(SparkEndpoint)


THERE = KafkaEndpoint(bootstrap_servers=("us:9092",))
TWO = Endpoints(
    (KAFKA, CASSANDRA), region="eu", elsewhere=(Endpoints((THERE,), region="us"), Endpoints((), region="ap"))
)


def test_each_region_has_endpoints_of_its_own() -> None:
    assert TWO.kafka is KAFKA
    assert TWO.in_region("eu") == Endpoints((KAFKA, CASSANDRA), region="eu")
    assert TWO.in_region("us").kafka is THERE
    with pytest.raises(NoSuchService, match="no cassandra; it has kafka"):
        _ = TWO.in_region("us").cassandra


def test_a_region_that_is_not_there_is_named() -> None:
    with pytest.raises(NoSuchRegion, match="the platform has no region mars; it has eu, us, ap"):
        TWO.in_region("mars")
    with pytest.raises(NoSuchRegion, match="no region us; it has home"):
        Endpoints((KAFKA,)).in_region("us")


def test_what_changes_at_home_leaves_other_regions_alone() -> None:
    larger = replace(KAFKA, replication_factor=5)
    for changed in (TWO.replacing(larger), TWO.adding(larger)):
        assert changed.kafka == larger
        assert changed.in_region("us").kafka is THERE


def test_another_process_reads_every_region(tmp_path: Path) -> None:
    TWO.save(tmp_path / "endpoints.json")
    assert Endpoints.load(tmp_path / "endpoints.json") == TWO


def test_one_region_leaves_no_trace_in_the_file() -> None:
    assert json.loads(Endpoints((KAFKA,)).dumps()).keys() == {"kafka"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"region": 3}', "region: found 3; allowed: a valid string"),
        ('{"elsewhere": {"us": {"kafka": {}}}}', "elsewhere.us.kafka.bootstrap_servers: found nothing"),
        ('{"elsewhere": {"us": {"kafkas": {}}}}', "elsewhere.us.kafkas: found a dict; allowed: no field"),
        ('{"elsewhere": {"us": {"object_store": {"url": 1, "secret_key": 5}}}}', "secret_key: found a int"),
    ],
)
def test_other_regions_are_read_as_strictly(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_text(text)
    with pytest.raises(SettingsRefused, match=re.escape(told)):
        Endpoints.load(tmp_path / "endpoints.json")


def test_a_platform_may_be_shown_in_part() -> None:
    assert Endpoints((KAFKA, FLINK, CASSANDRA)).only(["flink"]) == Endpoints((FLINK,))
