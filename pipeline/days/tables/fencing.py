"""Fenced commits: a writer whose lease was taken over cannot make them.

Each commit is a Delta transaction that is numbered by the lease's fencing token. Delta silently skips a
transaction whose number does not exceed the last one, so we check that the commit exists; if not, the lease
says why. A commit that began before another writer's and ends after it fails as a conflict.
The object store guarantees that no commit replaces another of the same version
(pipeline/days/spark/spark_settings.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pipeline.base.errors import CommitConflict, EngineError, PipelineError
from pipeline.days.tables.delta_log import TableCommit, newest_commits

if TYPE_CHECKING:
    from pyspark.sql import DataFrameWriter, SparkSession

APPLICATION: Final = "floodmark lease"
_CONFLICTS: Final = (
    *("DELTA_CONCURRENT", "ConcurrentTransaction"),  # Delta's own
    *("RemoteFileChanged", "PreconditionFailed", "FileAlreadyExists"),  # the store's, through S3A
)


class Fence(Protocol):
    """The operations that a commit needs of its table's lease (pipeline/lake/lease.py)."""

    def require(self) -> None:
        """Raise LeaseLost if the lease is no longer held."""
        ...

    def fencing_token(self) -> int:
        """Return the number for one commit. Raises LeaseLost."""
        ...


def spark_errors() -> tuple[type[Exception], ...]:
    """Return the errors of Spark calls: pyspark wraps Spark's own errors, but not S3A's."""
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415

    return (PySparkException, Py4JError)


def commit_error(uri: str, error: Exception, fence: Fence) -> PipelineError:
    """Translate the error of a failed commit. Raises LeaseLost if the lease is lost, whatever the error."""
    message = str(error)  # only the running driver knows the text
    fence.require()
    if any(word in message for word in _CONFLICTS):
        return CommitConflict(f"{uri}: another writer's commit came first: {message.splitlines()[0]}")
    return EngineError(f"{uri}: {message}")


def save(writer: DataFrameWriter, spark: SparkSession, uri: str, fence: Fence) -> TableCommit:
    """Save in one commit and return it. Replacing no rows by no rows commits as well, for its number.

    Raises LeaseLost, CommitConflict, TableUnreadable, and EngineError for other errors of Spark.
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
