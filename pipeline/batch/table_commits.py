"""What the commits of a Delta table say of themselves: what they bear, and which files they added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import TableUnreadable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NO_TABLE: Final = ("DELTA_TABLE_ONLY_OPERATION", "DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCommit:
    """One version of a table."""

    version: int
    user_metadata: str | None
    """What its writer said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """A file of rows that were not in the table before."""

    partition: dict[str, str | None]
    rows: int
    bytes: int

    @property
    def event_date(self) -> date:
        """The day of its rows, in a table that is partitioned by it."""
        return date.fromisoformat(self.partition["event_date"] or "")


def newest_commits(spark: SparkSession, uri: str, *, limit: int) -> tuple[TableCommit, ...]:
    """The newest first; empty when there is no table yet. Raises TableUnreadable."""
    from pyspark.errors import AnalysisException, PySparkException  # noqa: PLC0415

    try:
        rows = spark.sql(f"DESCRIBE HISTORY {_quoted(uri)} LIMIT {limit}").collect()
    except AnalysisException as error:
        if error.getCondition() in _NO_TABLE:
            return ()
        raise TableUnreadable(f"{uri}: {error}") from error
    except PySparkException as error:
        raise TableUnreadable(f"{uri}: {error}") from error
    return tuple(TableCommit(version=row.version, user_metadata=row.userMetadata) for row in rows)


def added_files(spark: SparkSession, uri: str, versions: Sequence[int]) -> dict[int, tuple[AddedFile, ...]]:
    """The files that each of the versions added, those that only hold old rows anew left out."""
    if not versions:
        return {}
    paths = [f"{uri}/_delta_log/{version:020d}.json" for version in versions]
    read = spark.read.text(paths).selectExpr("_metadata.file_name AS file", "value")
    found: dict[int, list[AddedFile]] = {version: [] for version in versions}
    for row in read.where("value LIKE '{\"add\":%'").collect():
        add = json.loads(row.value)["add"]
        if add["dataChange"]:
            found[int(row.file.partition(".")[0])].append(_added(add))
    return {version: tuple(files) for version, files in found.items()}


def _added(add: dict[str, Any]) -> AddedFile:
    rows = json.loads(add["stats"])["numRecords"]
    return AddedFile(partition=add["partitionValues"], rows=rows, bytes=add["size"])


def _quoted(uri: str) -> str:
    return "delta.`" + uri.replace("`", "``") + "`"
