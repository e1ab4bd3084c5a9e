"""The events that a lake process logs while it works, one JSON object per line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pipeline.days.tasks.task import TaskRecord


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Ready(_Event):
    """The Spark session is ready."""

    kind: Literal["ready"] = "ready"
    after_s: float


class Days(_Event):
    """The days that will be run, in this order."""

    kind: Literal["days"] = "days"
    days: tuple[date, ...]


class Begins(_Event):
    """A task has begun."""

    kind: Literal["begins"] = "begins"
    task: str
    day: date | None


class Ended(_Event):
    """A task has ended and is recorded.

    The record uses the wall clock, which may be stepped while a task runs. The fields here use the machine's
    monotonic clock, which all its processes share.
    """

    kind: Literal["ended"] = "ended"
    record: TaskRecord
    began_monotonic_ns: int
    ended_monotonic_ns: int


class Scanned(_Event):
    """A query for part of a table was run, and what Spark opened for it was counted."""

    kind: Literal["scanned"] = "scanned"
    at_monotonic_ns: int
    query: str
    """The table and the part, for display."""
    files_read: int
    files_all: int
    """Files of the whole table."""
    bytes_read: int
    bytes_all: int


class Cared(_Event):
    """A table was maintained: its rows are unchanged, and stored in other files."""

    kind: Literal["cared"] = "cared"
    table: str
    files_before: int
    """Files of the newest version before maintenance."""
    files_after: int
    bytes_before: int
    bytes_after: int
    files_rewritten: int
    """How many of ``files_before`` were rewritten."""
    files_deleted: int
    """Files that only older versions referred to."""
    bytes_deleted: int


class Failed(_Event):
    """The process gives up. What was recorded stays, and everything can be run again."""

    kind: Literal["failed"] = "failed"
    error: str
    """The error's name in pipeline/base/errors.py."""
    message: str


Event = Annotated[Ready | Days | Begins | Ended | Scanned | Cared | Failed, Field(discriminator="kind")]
_EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)


def parse(line: str | bytes) -> Event:
    """Parse a line that ``event_writer`` wrote. Raises pydantic's ValidationError."""
    return _EVENT.validate_json(line)


def event_writer(stream: TextIO) -> Callable[[Event], None]:
    """Return a function that writes and flushes each event, so that readers see it and a kill loses none."""

    def emit(event: Event) -> None:
        stream.write(event.model_dump_json() + "\n")
        stream.flush()

    return emit
