"""A session of Spark on tables that are local folders, for tests that need no object store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.services.spark import own_session
from pipeline.batch.session import spark_session
from pipeline.endpoints import Endpoints, ObjectStoreEndpoint


@contextmanager
def local_spark() -> Iterator[SparkSession]:
    """The product's own session. Nobody listens where its object store is said to be."""
    home = ensure(["spark"], report=lambda _: None).home("spark")
    nowhere = ObjectStoreEndpoint(url="http://127.0.0.1:9", bucket="lake", region="us-east-1")
    own = own_session(home=home, java=find_java(), jit="c1")
    with spark_session(Endpoints((own, nowhere)), name="test") as session:
        yield session
