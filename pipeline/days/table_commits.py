"""What the commits of a Delta table say of themselves: what they bear, and which files they added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.days.table_log import log_actions, log_versions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCommit:
    """One version of a table."""

    version: int
    user_metadata: str | None
    """What its writer said of it."""
    metrics: Mapping[str, str]
    """What Delta counted: ``numOutputRows``, ``numFiles``, ``numOutputBytes``."""
    transactions: Mapping[str, int]
    """The number of the transaction of each application that it is of."""


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
    versions = log_versions(spark, uri)[:limit]
    return tuple(_commit(version, log_actions(spark, uri, version)) for version in versions)


def added_files(spark: SparkSession, uri: str, versions: Sequence[int]) -> dict[int, tuple[AddedFile, ...]]:
    """The files that each of the versions added, those that only hold old rows anew left out.

    Raises TableUnreadable.
    """
    return {version: _added_files(log_actions(spark, uri, version)) for version in versions}


def _commit(version: int, actions: Sequence[Mapping[str, Any]]) -> TableCommit:
    said: Mapping[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    return TableCommit(
        version=version,
        user_metadata=said.get("userMetadata"),
        metrics=said.get("operationMetrics", {}),
        transactions={
            action["txn"]["appId"]: action["txn"]["version"] for action in actions if "txn" in action
        },
    )


def _added_files(actions: Iterable[Mapping[str, Any]]) -> tuple[AddedFile, ...]:
    adds = (action["add"] for action in actions if "add" in action)
    return tuple(_added(add) for add in adds if add["dataChange"])


def _added(add: dict[str, Any]) -> AddedFile:
    rows = json.loads(add["stats"])["numRecords"]
    return AddedFile(partition=add["partitionValues"], rows=rows, bytes=add["size"])
