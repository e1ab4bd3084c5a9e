"""One session for all of these modules: to start one and to warm it up takes longer than most tests.

They lie in a folder of their own since a process has one session at a time, and others start their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.engines.spark_parts import local_spark


@pytest.fixture(scope="package")
def spark() -> Iterator[SparkSession]:
    with local_spark() as session:
        yield session
