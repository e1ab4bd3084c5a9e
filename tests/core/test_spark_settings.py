"""What a Spark driver is started with, and what it is told later; the archives that it starts from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.base.endpoints import Endpoints, ObjectStoreEndpoint, SparkEndpoint
from pipeline.base.errors import InsecureOrIncomplete, SparkFailed
from pipeline.days.spark.class_archive import ClassArchive
from pipeline.days.spark.spark_session import spark_session
from pipeline.days.spark.spark_settings import launch_settings, s3a_settings
from pipeline.days.tables.delta_tables import SILVER_EVENTS, TABLES, uri

STORE = ObjectStoreEndpoint(url="http://o:9000", access_key="who", secret_key="hush")  # noqa: S106
SPARK = SparkEndpoint(master="local[2]", jars=(), driver_heap_bytes=2**30, java_options=("-Da=b c", "-Xs"))


@pytest.fixture
def spark(tmp_path: Path) -> SparkEndpoint:
    """An endpoint with one jar."""
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"some")
    return replace(SPARK, jars=(str(jar),), class_archives=str(tmp_path / "archives"))


def archive(spark: SparkEndpoint, scratch: Path) -> ClassArchive:
    found = ClassArchive.of(spark, scratch)
    assert found
    return found


def test_the_arguments_of_a_driver_hold_the_heap_and_whole_options(tmp_path: Path) -> None:
    settings = launch_settings(SPARK, name="job", scratch=tmp_path)
    assert settings["spark.driver.memory"] == "1024m"
    assert settings["spark.executor.extraJavaOptions"] == "'-Da=b c' -Xs"


def test_credentials_are_told_to_s3a_alone(tmp_path: Path) -> None:
    told = s3a_settings(STORE, scratch=tmp_path)
    assert (told["fs.s3a.access.key"], told["fs.s3a.secret.key"]) == ("who", "hush")
    assert not any("s3a" in key for key in launch_settings(SPARK, name="job", scratch=tmp_path))


def test_without_credentials_s3a_takes_those_of_the_machine(tmp_path: Path) -> None:
    told = s3a_settings(replace(STORE, access_key=None, secret_key=None), scratch=tmp_path)
    assert told["fs.s3a.aws.credentials.provider"].endswith(".DefaultCredentialsProvider")
    assert "fs.s3a.access.key" not in told


def test_half_of_the_credentials_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InsecureOrIncomplete, match="access_key and secret_key go together"):
        s3a_settings(replace(STORE, access_key=None), scratch=tmp_path)


def test_jars_that_are_not_there_are_named() -> None:
    endpoints = Endpoints((STORE, replace(SPARK, jars=("/no/such.jar",))))
    with (
        pytest.raises(SparkFailed, match=r"job: Spark needs jars that are not there: /no/such\.jar"),
        spark_session(endpoints, name="job"),
    ):
        pass


def test_the_first_driver_makes_an_archive_and_the_next_one_starts_from_it(
    spark: SparkEndpoint, tmp_path: Path
) -> None:
    first = archive(spark, tmp_path)
    assert f"-XX:ArchiveClassesAtExit={first.made}" in first.options
    first.made.write_bytes(b"classes")
    first.keep()
    assert f"-XX:SharedArchiveFile={first.kept}" in archive(spark, tmp_path).options


def test_another_jar_is_another_archive(spark: SparkEndpoint, tmp_path: Path) -> None:
    before = archive(spark, tmp_path).kept
    Path(spark.jars[0]).write_bytes(b"changed")
    assert archive(spark, tmp_path).kept != before


def test_a_driver_that_was_killed_has_made_no_archive(spark: SparkEndpoint, tmp_path: Path) -> None:
    archive(spark, tmp_path).keep()
    assert not archive(spark, tmp_path).kept.exists()


def test_old_archives_are_removed(spark: SparkEndpoint, tmp_path: Path) -> None:
    for number in range(7):
        Path(spark.jars[0]).write_bytes(bytes(number))
        one = archive(spark, tmp_path)
        one.made.write_bytes(b"classes")
        os.utime(one.made, (number, number))
        one.keep()
    left = list(one.kept.parent.iterdir())
    assert one.kept in left
    assert len(left) == 4


def test_tables_lie_in_the_bucket_under_names_of_their_own() -> None:
    assert uri(STORE, SILVER_EVENTS.quarantine) == "s3a://lake/quarantine/silver/events"
    places = [uri(STORE, table) for table in (*TABLES, *(table.quarantine for table in TABLES))]
    assert len(set(places)) == len(places)


def test_of_two_commits_of_a_version_the_store_takes_one(tmp_path: Path) -> None:
    """S3A writes what must not replace a file with If-None-Match, unless it is told otherwise."""
    settings = s3a_settings(STORE, scratch=tmp_path)
    assert "create" in settings["fs.s3a.performance.flags"].split(",")
    assert settings.get("fs.s3a.create.conditional.enabled", "true") == "true"
