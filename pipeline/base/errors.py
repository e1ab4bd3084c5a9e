"""Every error that the pipeline raises on purpose, grouped by what its caller can do about it.

PipelineError
├── RetryableError       try again: a new attempt is safe, and may succeed
│   ├── NotReady             an engine does not answer yet
│   ├── CommitConflict       another writer committed first
│   ├── TableHeld            another writer holds the table; names the holder and since when
│   └── LeaseLost            our lease expired or was taken over, so what we were about to write is stale
├── UserError            tell the user: a request, a file or a deployment has to change first
│   ├── ContractError        a contract cannot be read, or states something that nothing enforces
│   │   ├── IncompatibleContract     it may not follow the current version; lists every problem
│   │   └── NoSuchContract           no contract of that name or version is registered
│   ├── SettingsRefused      a file of endpoints or options cannot be used; lists every problem
│   ├── PolicyRefused        a life-cycle policy cannot be used; lists every problem
│   ├── FileRefused          a dropped file cannot be used; lists every problem
│   ├── InsecureOrIncomplete an endpoint's security cannot be used; lists every problem
│   ├── NoSuchService        the platform lacks a service that was asked for
│   ├── NoSuchRegion         the platform lacks a region that was asked for
│   ├── NotDeployed          the platform lacks a topic or a bucket that deploying creates; names them all
│   ├── NoSuchDay            nothing was landed or dropped for a day; names the days that exist
│   ├── NoSuchReport         a day has no quality report; names the days that have one
│   ├── Archived             the data is in the archive; says how to restore it
│   └── DaysArchived         days with archived data cannot be run again
└── FatalError           give up: nothing suggests that another attempt would go better
    ├── BuildError           a Java part of the pipeline does not compile
    ├── RecordsGone          records that were to land next are no longer in their topic
    ├── TableUnreadable      a table of the lake, or its log, cannot be read
    ├── ArchiveDamaged       the archive does not hold what was put there
    └── EngineError          an engine refused or failed a request; ends with the engine's own message
        ├── KafkaFailed
        │   └── AccessRefused        Kafka does not accept the user, the password or the certificate
        ├── CassandraFailed
        ├── ObjectStoreFailed
        │   └── NoSuchObject         there is no object under the key
        ├── SparkFailed
        └── FlinkFailed
            ├── StatementFailed      a SQL statement was refused; holds the statement
            └── JobFailed            the job ended, or cannot start
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime


class PipelineError(Exception):
    """An error that a caller can act on. The message says what failed, where and why."""


class RetryableError(PipelineError):
    """The operation may succeed when it is started again, which is safe."""


class UserError(PipelineError):
    """The user has to change a request, a file or a deployment. The message says what is allowed."""


class FatalError(PipelineError):
    """Nothing suggests that another attempt would go better; an operator has to step in."""


class ContractError(UserError):
    """The contract cannot be read, or states something that nothing enforces."""


class IncompatibleContract(ContractError):
    """A version of a contract may not follow the current one. It was not registered."""

    def __init__(self, name: str, current: str, version: str, problems: Sequence[str]) -> None:
        self.name, self.current, self.version, self.problems = name, current, version, tuple(problems)
        super().__init__(f"{name} {version} may not follow {current}: {'; '.join(self.problems)}")


class NoSuchContract(ContractError):
    """No contract of that name or version is registered."""

    def __init__(self, name: str, version: str, available: Sequence[str]) -> None:
        self.name, self.version, self.available = name, version, tuple(available)
        what = f"{name} {version}".strip()
        super().__init__(f"{what} is not registered; there is {', '.join(available) or 'no version of it'}")


class SettingsRefused(UserError):
    """A file that a process is started with cannot be used. Lists every problem, never a secret."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file, self.problems = file, tuple(problems)
        super().__init__(f"{file}: {'; '.join(self.problems)}")


class NoSuchService(UserError):
    """The platform lacks a service that was asked for."""

    def __init__(self, name: str, available: Sequence[str]) -> None:
        self.name, self.available = name, tuple(available)
        super().__init__(f"the platform has no {name}; it has {', '.join(available) or 'no service'}")


class NoSuchRegion(UserError):
    """The platform lacks a region that was asked for."""

    def __init__(self, name: str, available: Sequence[str]) -> None:
        self.name, self.available = name, tuple(available)
        super().__init__(f"the platform has no region {name}; it has {', '.join(available)}")


class NotDeployed(UserError):
    """The platform lacks something that deploying creates. Names everything that is missing."""

    def __init__(self, lacking: Sequence[str]) -> None:
        self.lacking = tuple(lacking)
        super().__init__(f"nothing was deployed here: {'; '.join(self.lacking)}")


class InsecureOrIncomplete(UserError):
    """An endpoint's security cannot be used as it is. Names the fields, never a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("security: " + "; ".join(self.problems))


class BuildError(FatalError):
    """A Java part of the pipeline could not be compiled."""


class EngineError(FatalError):
    """An engine refused or failed a request. The message ends with the engine's own."""


class KafkaFailed(EngineError):
    """Kafka refused or failed an operation."""


class AccessRefused(KafkaFailed):
    """Kafka does not accept the user, the password or the certificate."""


class CassandraFailed(EngineError):
    """Cassandra refused or failed an operation."""


class ObjectStoreFailed(EngineError):
    """The object store refused or failed an operation."""


class NoSuchObject(ObjectStoreFailed):
    """There is no object under the key."""


class SparkFailed(EngineError):
    """Spark's driver did not start, or Spark refused or failed a request."""


class FlinkFailed(EngineError):
    """Flink refused or failed an operation."""


class StatementFailed(FlinkFailed):
    """A SQL statement was refused."""

    def __init__(self, statement: str, reason: str) -> None:
        self.statement, self.reason = statement, reason
        first_line = statement.strip().splitlines()[0]
        super().__init__(f"SQL statement refused: {first_line} ...: {reason}")


class JobFailed(FlinkFailed):
    """The job ended, or cannot start."""


class TableHeld(RetryableError):
    """Another writer holds the table."""

    def __init__(self, table: str, holder: str, since: datetime, until: datetime) -> None:
        self.table, self.holder, self.since, self.until = table, holder, since, until
        super().__init__(
            f"{table} is held by {holder} since {since:%Y-%m-%d %H:%M:%S} UTC; wait until it is done."
            f" If it has died, the table is free after {until:%H:%M:%S} UTC"
        )


class LeaseLost(RetryableError):
    """A lease expired before it was renewed, or another writer took it over."""


class NotReady(RetryableError):
    """An engine does not answer yet."""


class RecordsGone(FatalError):
    """Records that were to land next are no longer in their topic. Names partitions and offsets."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "nothing was landed, since records are gone that were not landed before: "
            + "; ".join(self.problems)
            + ". Keep them longer than the time between two landings;"
            " to go on without them, land into a new table"
        )


class CommitConflict(RetryableError):
    """Another writer committed first; nothing of ours was written."""


class TableUnreadable(FatalError):
    """A table of the lake, or its log, cannot be read."""


class PolicyRefused(UserError):
    """A life-cycle policy cannot be used. Lists every problem."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{name}: " + "; ".join(self.problems))


class Archived(UserError):
    """The data is in the archive, not where it was read from."""

    def __init__(self, name: str, archived_at: datetime, restore: str) -> None:
        self.name, self.archived_at = name, archived_at
        super().__init__(
            f"{name} is in cold storage since {archived_at:%Y-%m-%d %H:%M} (UTC): ask for it to be restored,"
            f" which takes {restore}"
        )


class DaysArchived(UserError):
    """Days with any archived data cannot be run again."""

    def __init__(self, days: Sequence[date]) -> None:
        self.days = tuple(days)
        super().__init__(
            f"{', '.join(map(str, days))} cannot be run again, since data of these days is in the"
            " archive: the tables would lose what they still have. Restored data is read beside them"
        )


class ArchiveDamaged(FatalError):
    """The archive does not hold what was put there."""


class FileRefused(UserError):
    """A dropped file cannot be used. Lists every problem."""

    def __init__(self, key: str, problems: Sequence[str]) -> None:
        self.key, self.problems = key, tuple(problems)
        super().__init__(f"{key}: " + "; ".join(self.problems))


class NoSuchDay(UserError):
    """Nothing was landed or dropped for a day."""

    def __init__(self, missing: Sequence[date], available: Sequence[date]) -> None:
        self.missing, self.available = tuple(missing), tuple(available)
        known = ", ".join(map(str, available)) or "none"
        super().__init__(f"nothing is known of {', '.join(map(str, missing))}; there are {known}")


class NoSuchReport(UserError):
    """A day has no quality report, because it never ran to completion."""

    def __init__(self, day: date, available: Sequence[date]) -> None:
        self.day, self.available = day, tuple(available)
        known = ", ".join(map(str, available)) or "none yet"
        super().__init__(f"{day} has no quality report; there are {known}")
