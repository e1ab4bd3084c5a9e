"""A session of Spark on tables that are local folders, for tests that need no object store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from harness.artifacts import cache_dir, ensure
from harness.artifacts.java import find_java
from harness.services.protocol import Jvm
from harness.services.spark import own_session, pyspark_home
from pipeline.base.endpoints import Endpoints, ObjectStoreEndpoint
from pipeline.base.java_part import LAKE_JAVA, build_jar
from pipeline.days.spark.spark_session import spark_session


def lake_jar() -> Path:
    """The lake's Java part, compiled."""
    return build_jar(
        LAKE_JAVA,
        ecj=next(ensure(["ecj"], report=lambda _: None).home("ecj").glob("lib/*.jar")),
        class_path=sorted((pyspark_home() / "jars").glob("*.jar")),
        cache=cache_dir() / "built",
        java=find_java().executable,
    )


@contextmanager
def local_spark() -> Iterator[SparkSession]:
    """The product's own session. Nobody listens where its object store is said to be."""
    home = ensure(["spark"], report=lambda _: None).home("spark")
    nowhere = ObjectStoreEndpoint(url="http://127.0.0.1:9", bucket="lake", region="us-east-1")
    own = own_session(home=home, jvm=Jvm(java=find_java(), jit="c1"))
    own = replace(own, jars=(*own.jars, str(lake_jar())))
    with spark_session(Endpoints((own, nowhere)), name="test") as session:
        yield session
