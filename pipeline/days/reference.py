"""Reference tables: the newest snapshot that was dropped, as a table.

Snapshots are CSV under ``landing/reference/<table>/``; the last one by name is the newest one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pipeline.contract.derive import spark_schema
from pipeline.contract.odcs import DataContract
from pipeline.days.fencing import Fence, save
from pipeline.days.reference_rows import reference_rows
from pipeline.days.table_commits import newest_commits
from pipeline.days.table_log import log_versions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PREFIX: Final = "landing/reference/"
_HISTORY: Final = 100


class Objects(Protocol):
    """What loading needs of the object store."""

    def get(self, key: str, /) -> bytes:
        """An object's bytes."""
        ...

    def list(self, prefix: str, /) -> Iterable[str]:
        """The keys that begin so."""
        ...

    def etag(self, key: str, /) -> str:
        """What changes when the object does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a reference table was made of."""

    key: str
    etag: str
    contract: str
    """The contract's version."""


def load_reference(
    spark: SparkSession, objects: Objects, uri: str, contract: DataContract, *, fence: Fence
) -> Snapshot | None:
    """Replace the table by its newest snapshot; nothing is written when it is of that one already.

    None when no snapshot was ever dropped. Raises FileRefused with every problem, and then the table is as it
    was; LeaseLost, CommitConflict, TableUnreadable, EngineError; and what ``objects`` raises.
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
    """The table; an empty one when nothing was loaded yet. Raises TableUnreadable."""
    if log_versions(spark, uri):
        return spark.read.format("delta").load(uri)
    return spark.createDataFrame([], spark_schema(contract))


def _loaded(spark: SparkSession, uri: str) -> Snapshot | None:
    for commit in newest_commits(spark, uri, limit=_HISTORY):
        said = json.loads(commit.user_metadata or "{}")
        if "snapshot" in said:
            return Snapshot(**said["snapshot"])
    return None
