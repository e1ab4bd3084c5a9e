"""The log of a Delta table, read by the driver: an object a version, of JSON lines (Delta's protocol).

Spark's own way to ask, ``DESCRIBE HISTORY``, takes 0.3 s and a job each time, and this a listing and a GET.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import TableUnreadable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_VERSION: Final = re.compile(r"(\d{20})\.json")


def log_versions(spark: SparkSession, uri: str) -> tuple[int, ...]:
    """The versions of which the log still tells, the newest first; none without a table.

    Raises TableUnreadable.
    """
    jvm: Any = spark._jvm
    with _told(uri):
        log = jvm.org.apache.hadoop.fs.Path(f"{uri}/_delta_log")
        files = log.getFileSystem(_configuration(spark))
        if not files.exists(log):
            return ()
        names = [status.getPath().getName() for status in files.listStatus(log)]
    found = (_VERSION.fullmatch(name) for name in names)
    return tuple(sorted((int(match[1]) for match in found if match), reverse=True))


def log_actions(spark: SparkSession, uri: str, version: int) -> tuple[dict[str, Any], ...]:
    """What a version did to the table, an action each. Raises TableUnreadable."""
    jvm: Any = spark._jvm
    with _told(uri):
        file = jvm.org.apache.hadoop.fs.Path(f"{uri}/_delta_log/{version:020d}.json")
        stream = file.getFileSystem(_configuration(spark)).open(file)
        try:
            text = jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()
        return tuple(json.loads(line) for line in text.splitlines() if line)


def _configuration(spark: SparkSession) -> Any:
    context: Any = spark.sparkContext._jsc
    return context.hadoopConfiguration()


@contextmanager
def _told(uri: str) -> Iterator[None]:
    from py4j.protocol import Py4JError  # noqa: PLC0415

    try:
        yield
    except (Py4JError, ValueError) as error:
        raise TableUnreadable(f"the log of {uri}: {error}") from error
