"""What a lake process tells of itself while it works: a JSON object a line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pipeline.days.task import TaskRecord


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Ready(_Event):
    """The session works."""

    kind: Literal["ready"] = "ready"
    after_s: float


class Days(_Event):
    """The days that are going to be carried out, in this order."""

    kind: Literal["days"] = "days"
    days: tuple[date, ...]


class Begins(_Event):
    """A task begins."""

    kind: Literal["begins"] = "begins"
    task: str
    day: date | None


class Ended(_Event):
    """A task was carried out, and is recorded.

    The record's moments are of the wall clock, which may step meanwhile; these are of the machine's monotonic
    clock, which all its processes share.
    """

    kind: Literal["ended"] = "ended"
    record: TaskRecord
    began_monotonic_ns: int
    ended_monotonic_ns: int


class Scanned(_Event):
    """A query for a part of a table was carried out, and what Spark opened for it was counted."""

    kind: Literal["scanned"] = "scanned"
    at_monotonic_ns: int
    query: str
    """For people: the table and the part."""
    files_read: int
    files_all: int
    """What the table has."""
    bytes_read: int
    bytes_all: int


class Cared(_Event):
    """A table was cared for: its rows are what they were, and lie in other files."""

    kind: Literal["cared"] = "cared"
    table: str
    files_before: int
    """Of the newest version, then and now."""
    files_after: int
    bytes_before: int
    bytes_after: int
    files_rewritten: int
    """Of those before."""
    files_deleted: int
    """Of older versions."""
    bytes_deleted: int


class Failed(_Event):
    """Nothing more is carried out. What was recorded stays, and everything can be carried out again."""

    kind: Literal["failed"] = "failed"
    error: str
    """The error's name in pipeline/errors.py."""
    message: str


Event = Annotated[Ready | Days | Begins | Ended | Scanned | Cared | Failed, Field(discriminator="kind")]
_EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)


def parse(line: str | bytes) -> Event:
    """Read what ``teller`` wrote. Raises pydantic's ValidationError."""
    return _EVENT.validate_json(line)


def teller(stream: TextIO) -> Callable[[Event], None]:
    """Writes each event at once, so that whoever follows sees it and a kill costs none."""

    def tell(event: Event) -> None:
        stream.write(event.model_dump_json() + "\n")
        stream.flush()

    return tell
