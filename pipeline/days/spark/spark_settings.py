"""The settings of a Spark session: those that its driver starts with, and those with credentials.

pyspark passes the former to the driver as arguments, which every user of the machine can read.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.base.endpoints import ObjectStoreEndpoint, SparkEndpoint
from pipeline.base.errors import InsecureOrIncomplete
from pipeline.days.spark.class_archive import ClassArchive

_LOG4J: Final = Path(__file__).with_name("log4j2.properties")
_MIB: Final = 2**20
_SHUFFLE_PARTITIONS: Final = 4
"""The maximum; adaptive execution merges small partitions."""
_SIMPLE_CREDENTIALS: Final = "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"
_MACHINE_CREDENTIALS: Final = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"


def launch_settings(endpoint: SparkEndpoint, *, name: str, scratch: Path) -> Mapping[str, str]:
    """Return the driver's start settings, without credentials. ``scratch`` is for disk buffers."""
    jars = ":".join(endpoint.jars)
    settings = {
        "spark.master": endpoint.master,
        "spark.app.name": name,
        "spark.driver.memory": f"{endpoint.driver_heap_bytes // _MIB}m",
        "spark.driver.extraJavaOptions": shlex.join(_java_options(endpoint, scratch)),
        # On the class path from the start, since only such classes can come from the archive.
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        "spark.executor.extraJavaOptions": shlex.join(endpoint.java_options),
        "spark.driver.host": endpoint.driver_host,
        "spark.driver.bindAddress": endpoint.driver_host,
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.pyspark.python": sys.executable,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(_SHUFFLE_PARTITIONS),
        # A day has some 300 plans; the default of 100 evicts each before the next day needs it.
        "spark.sql.codegen.cache.maxEntries": "2000",
        # Spark's default type is obsolete for other readers and supports no filter push-down.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # A table's log is small here, and each partition is a task.
        "spark.databricks.delta.snapshotPartitions": "2",
        # Shuffled data per file of an optimized write; 512 MB by default.
        "spark.databricks.delta.optimizeWrite.binSize": "128MB",
        # Tasks that list a table's folders, as in a vacuum: by default one per path, up to 10,000.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    }
    if endpoint.executor_heap_bytes is not None:
        settings["spark.executor.memory"] = f"{endpoint.executor_heap_bytes // _MIB}m"
    return settings


def _java_options(endpoint: SparkEndpoint, scratch: Path) -> tuple[str, ...]:
    archive = ClassArchive.of(endpoint, scratch)
    return (
        f"-Dlog4j2.configurationFile={_LOG4J}",
        f"-Djava.io.tmpdir={scratch}",
        # Every killed driver would leave a file in the system's temporary folder.
        "-XX:-UsePerfData",
        *endpoint.java_options,
        *(archive.options if archive else ()),
    )


def s3a_settings(endpoint: ObjectStoreEndpoint, *, scratch: Path) -> Mapping[str, str]:
    """Return S3A's settings, for when the driver runs. They contain credentials and must never be shown."""
    if (endpoint.access_key is None) != (endpoint.secret_key is None):
        raise InsecureOrIncomplete(["object_store: access_key and secret_key go together"])
    own = endpoint.access_key is not None
    settings = {
        "fs.s3a.endpoint": endpoint.url,
        "fs.s3a.endpoint.region": endpoint.region,
        "fs.s3a.path.style.access": str(endpoint.path_style).lower(),
        "fs.s3a.connection.ssl.enabled": str(endpoint.url.startswith("https:")).lower(),
        "fs.s3a.aws.credentials.provider": _SIMPLE_CREDENTIALS if own else _MACHINE_CREDENTIALS,
        # Delta never writes below a file or looks for empty folders, so S3A need not check or create them.
        # With "create", files that must not replace others are written conditionally: of two commits of a
        # version one fails (pipeline/days/tables/fencing.py).
        "fs.s3a.performance.flags": "create,delete,mkdir",
        "fs.s3a.buffer.dir": str(scratch / "s3a"),
    }
    if endpoint.access_key and endpoint.secret_key:
        settings["fs.s3a.access.key"] = endpoint.access_key
        settings["fs.s3a.secret.key"] = endpoint.secret_key
    return settings
