"""Commits that a writer whose lease was taken over cannot make.

A commit is a transaction of Delta's, numbered by the lease's fencing token. Delta skips one whose number is
not above the last one of its application, in silence: so the commit is looked for, and where it is not there
the lease says why. One that began before the other writer's commit and ends behind it fails as a conflict.
That no commit replaces another one of its version is the object store's part (pipeline/days/settings.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pipeline.days.table_commits import TableCommit, newest_commits
from pipeline.errors import CommitConflict, EngineError, PipelineError

if TYPE_CHECKING:
    from pyspark.sql import DataFrameWriter, SparkSession

APPLICATION: Final = "floodmark lease"
_CONFLICTS: Final = (
    *("DELTA_CONCURRENT", "ConcurrentTransaction"),  # Delta's own
    *("RemoteFileChanged", "PreconditionFailed", "FileAlreadyExists"),  # the store's, by way of S3A
)


class Fence(Protocol):
    """What a commit asks of its table's lease (pipeline/lake/lease.py)."""

    def require(self) -> None:
        """Raises LeaseLost."""
        ...

    def fencing_token(self) -> int:
        """The number of one commit. Raises LeaseLost."""
        ...


def spark_errors() -> tuple[type[Exception], ...]:
    """What a call of Spark raises: pyspark has kinds of its own for Spark's errors, and none for S3A's."""
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415

    return (PySparkException, Py4JError)


def commit_error(uri: str, error: Exception, fence: Fence) -> PipelineError:
    """What a commit that Spark failed is told as. Raises LeaseLost where that is so, whatever came of it."""
    said = str(error)  # while the driver lives, which alone knows it
    fence.require()
    if any(word in said for word in _CONFLICTS):
        return CommitConflict(f"{uri}: another writer's commit came first: {said.splitlines()[0]}")
    return EngineError(f"{uri}: {said}")


def save(writer: DataFrameWriter, spark: SparkSession, uri: str, fence: Fence) -> TableCommit:
    """Save by one commit, and return it. There is one even where no rows replace none: its number is new.

    Raises LeaseLost, CommitConflict, TableUnreadable, and EngineError for what else Spark says.
    """
    token = fence.fencing_token()
    try:
        writer.option("txnAppId", APPLICATION).option("txnVersion", token).save(uri)
    except spark_errors() as error:
        raise commit_error(uri, error, fence) from error
    (newest,) = newest_commits(spark, uri, limit=1)
    if newest.transactions.get(APPLICATION) == token:
        return newest
    fence.require()
    raise CommitConflict(
        f"{uri}: the commit was skipped or overtaken: version {newest.version} is of a writer that holds"
        " no lease; only the lake may write its tables"
    )
