"""Every error that the pipeline raises on purpose.

PipelineError
├── ContractError        the contract cannot be read, or says what nothing enforces
│   ├── IncompatibleContract     it may not follow the version that is current; lists every problem
│   └── NoSuchContract           no contract of that name or version is registered
├── SettingsRefused      a file of endpoints or options cannot be used; lists every problem
├── NoSuchService        the platform lacks a service that was asked for
├── NoSuchRegion         the platform lacks a region that was asked for
├── NotDeployed          the platform lacks a topic or a bucket that deploying makes; names all of them
├── InsecureOrIncomplete the security of an endpoint cannot be used; lists every problem
├── BuildError           a Java part of the pipeline could not be compiled
├── EngineError          an engine refused or failed what was asked of it; holds the engine's own message
│   ├── KafkaFailed
│   │   └── AccessRefused        it does not take the user, the password or the certificate
│   ├── CassandraFailed
│   ├── ObjectStoreFailed
│   │   └── NoSuchObject         nothing lies under the key
│   ├── SparkFailed
│   └── FlinkFailed
│       ├── StatementFailed      a SQL statement was refused; holds the statement
│       └── JobFailed            the job ended, or cannot start
├── TableHeld            another writer holds the table; says who, and since when
├── LeaseLost            a lease ran out, or another writer took it over: what was to be written must not be
├── NotReady             an engine does not answer yet; worth another try
├── RecordsGone          records that were to land next are no longer in their topic
├── CommitConflict       another writer's commit came first; nothing of ours was written
├── NoSuchDay            nothing was landed or dropped of a day; names those that there are
├── NoSuchReport         a day has no quality report; names those that have one
├── DaysArchived         days of which anything is in the archive are not carried out again
├── PolicyRefused        a policy of the life cycle cannot be used; lists every problem
├── Archived             data is in the archive; says how to bring it back
├── ArchiveDamaged       what lies in the archive is not what was put there
├── TableUnreadable      a table of the lake, or its commits, cannot be read
└── FileRefused          a file that was dropped cannot be used; lists every problem
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime


class PipelineError(Exception):
    """What the caller can act on; the message says what, where and why."""


class ContractError(PipelineError):
    """The contract cannot be read, or says what nothing enforces."""


class IncompatibleContract(ContractError):
    """A version of a contract may not follow the one that is current. Nothing was written by it."""

    def __init__(self, name: str, current: str, version: str, problems: Sequence[str]) -> None:
        self.name, self.current, self.version, self.problems = name, current, version, tuple(problems)
        super().__init__(f"{name} {version} may not follow {current}: {'; '.join(self.problems)}")


class NoSuchContract(ContractError):
    """No contract of that name or version is registered."""

    def __init__(self, name: str, version: str, there: Sequence[str]) -> None:
        self.name, self.version, self.there = name, version, tuple(there)
        what = f"{name} {version}".strip()
        super().__init__(f"{what} is not registered; there is {', '.join(there) or 'no version of it'}")


class SettingsRefused(PipelineError):
    """A file that a process is started with cannot be used. Lists every problem, and never a secret."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file, self.problems = file, tuple(problems)
        super().__init__(f"{file}: {'; '.join(self.problems)}")


class NoSuchService(PipelineError):
    """The platform lacks a service that was asked for."""

    def __init__(self, name: str, there: Sequence[str]) -> None:
        self.name, self.there = name, tuple(there)
        super().__init__(f"the platform has no {name}; it has {', '.join(there) or 'no service'}")


class NoSuchRegion(PipelineError):
    """The platform lacks a region that was asked for."""

    def __init__(self, name: str, there: Sequence[str]) -> None:
        self.name, self.there = name, tuple(there)
        super().__init__(f"the platform has no region {name}; it has {', '.join(there)}")


class NotDeployed(PipelineError):
    """The platform lacks what deploying makes. Names all of it."""

    def __init__(self, lacking: Sequence[str]) -> None:
        self.lacking = tuple(lacking)
        super().__init__(f"nothing was deployed here: {'; '.join(self.lacking)}")


class InsecureOrIncomplete(PipelineError):
    """The security of an endpoint cannot be used as it is. Says which field, and never a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("security: " + "; ".join(self.problems))


class BuildError(PipelineError):
    """A Java part of the pipeline could not be compiled."""


class EngineError(PipelineError):
    """An engine refused or failed what was asked of it. The message ends with the engine's own."""


class KafkaFailed(EngineError):
    """Kafka refused or failed an operation."""


class AccessRefused(KafkaFailed):
    """Kafka does not take the user, the password or the certificate: another try would not help."""


class CassandraFailed(EngineError):
    """Cassandra refused or failed an operation."""


class ObjectStoreFailed(EngineError):
    """The object store refused or failed an operation."""


class NoSuchObject(ObjectStoreFailed):
    """Nothing lies under the key."""


class SparkFailed(EngineError):
    """Spark's driver did not start, or Spark refused or failed what was asked of it."""


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


class TableHeld(PipelineError):
    """Another writer holds the table."""

    def __init__(self, table: str, holder: str, since: datetime, until: datetime) -> None:
        self.table, self.holder, self.since, self.until = table, holder, since, until
        super().__init__(
            f"{table} is held by {holder} since {since:%Y-%m-%d %H:%M:%S} UTC; wait until it is done."
            f" If it has died, the table is free after {until:%H:%M:%S} UTC"
        )


class LeaseLost(PipelineError):
    """A lease ran out before it was renewed, or another writer took it over."""


class NotReady(PipelineError):
    """An engine does not answer yet; worth another try."""


class RecordsGone(PipelineError):
    """Records that were to land next are no longer in their topic. Names partitions and offsets."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "nothing was landed, since records are gone that were not landed before: "
            + "; ".join(self.problems)
            + ". Keep them longer than the time between two landings;"
            " to go on without them, land into a new table"
        )


class CommitConflict(PipelineError):
    """Another writer's commit came first; nothing of ours was written. Worth another try."""


class TableUnreadable(PipelineError):
    """A table of the lake, or its commits, cannot be read."""


class PolicyRefused(PipelineError):
    """A policy of the life cycle cannot be used. Lists every problem."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{name}: " + "; ".join(self.problems))


class Archived(PipelineError):
    """Data is in the archive, and not where it is read."""

    def __init__(self, name: str, archived_at: datetime, restore: str) -> None:
        self.name, self.archived_at = name, archived_at
        super().__init__(
            f"{name} is in cold storage since {archived_at:%Y-%m-%d %H:%M} (UTC): ask for it to be restored,"
            f" which takes {restore}"
        )


class DaysArchived(PipelineError):
    """Days of which anything is in the archive cannot be carried out again."""

    def __init__(self, days: Sequence[date]) -> None:
        self.days = tuple(days)
        super().__init__(
            f"{', '.join(map(str, days))} cannot be carried out again, since data of these days is in the"
            " archive: the tables would lose what they still have. Restored data is read beside them"
        )


class ArchiveDamaged(PipelineError):
    """What lies in the archive is not what was put there."""


class FileRefused(PipelineError):
    """A file that was dropped cannot be used. Lists every problem."""

    def __init__(self, key: str, problems: Sequence[str]) -> None:
        self.key, self.problems = key, tuple(problems)
        super().__init__(f"{key}: " + "; ".join(self.problems))


class NoSuchDay(PipelineError):
    """Nothing was landed or dropped of a day."""

    def __init__(self, missing: Sequence[date], there: Sequence[date]) -> None:
        self.missing, self.there = tuple(missing), tuple(there)
        known = ", ".join(map(str, there)) or "none"
        super().__init__(f"nothing is known of {', '.join(map(str, missing))}; there are {known}")


class NoSuchReport(PipelineError):
    """A day has no quality report: it was never carried out to its end."""

    def __init__(self, day: date, there: Sequence[date]) -> None:
        self.day, self.there = day, tuple(there)
        known = ", ".join(map(str, there)) or "none yet"
        super().__init__(f"{day} has no quality report; there are {known}")
