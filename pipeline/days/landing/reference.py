"""Loads the newest dropped snapshot of a reference table into the lake.

Snapshots are CSV files under ``landing/reference/<table>/``; the last one by name is the newest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pipeline.contract.derive import spark_schema
from pipeline.contract.odcs import DataContract
from pipeline.days.landing.reference_rows import reference_rows
from pipeline.days.tables.delta_log import log_versions, newest_commits
from pipeline.days.tables.fencing import Fence, save

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PREFIX: Final = "landing/reference/"
_HISTORY: Final = 100


class Objects(Protocol):
    """The operations that loading needs of the object store."""

    def get(self, key: str, /) -> bytes:
        """Return an object's bytes."""
        ...

    def list(self, prefix: str, /) -> Iterable[str]:
        """Return the keys with this prefix."""
        ...

    def etag(self, key: str, /) -> str:
        """Return a tag that changes with the object's content."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The source of a reference table."""

    key: str
    etag: str
    contract: str
    """The contract's version."""


def load_reference(
    spark: SparkSession, objects: Objects, uri: str, contract: DataContract, *, fence: Fence
) -> Snapshot | None:
    """Replace the table by its newest snapshot, unless it already holds that one.

    Returns None if no snapshot was ever dropped. Raises FileRefused with every problem and leaves the
    table unchanged; LeaseLost, CommitConflict, TableUnreadable, EngineError; and what ``objects`` raises.
    """
    keys = sorted(objects.list(f"{_PREFIX}{contract.name}/"))
    if not keys:
        return None
    newest = Snapshot(key=keys[-1], etag=objects.etag(keys[-1]), contract=contract.version)
    if newest != _loaded(spark, uri):
        rows = reference_rows(newest.key, objects.get(newest.key), contract)
        writer = (
            spark.createDataFrame(rows)
            .coalesce(1)
            .write.format("delta")
            .mode("overwrite")
            .option("overwriteSchema", "true")
            .option("userMetadata", json.dumps({"snapshot": asdict(newest)}))
        )
        save(writer, spark, uri, fence)
    return newest


def reference_table(spark: SparkSession, uri: str, contract: DataContract) -> DataFrame:
    """Return the table; an empty one if nothing was loaded yet. Raises TableUnreadable."""
    if log_versions(spark, uri):
        return spark.read.format("delta").load(uri)
    return spark.createDataFrame([], spark_schema(contract))


def _loaded(spark: SparkSession, uri: str) -> Snapshot | None:
    for commit in newest_commits(spark, uri, limit=_HISTORY):
        metadata = json.loads(commit.user_metadata or "{}")
        if "snapshot" in metadata:
            return Snapshot(**metadata["snapshot"])
    return None
