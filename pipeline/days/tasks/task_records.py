"""Stores the records of tasks in the lake itself: one object each, written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, Protocol

from pipeline.days.tasks.task import TaskRecord

_FOLDER: Final = "runs"
_NO_DAY: Final = "every-day"


class Objects(Protocol):
    """The operations that records need of the object store (pipeline/lake/objects.py)."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        ...

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless the key exists; return whether it was written."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """Return the keys with this prefix, in order."""
        ...


class Records:
    """The task records of one lake."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def add(self, record: TaskRecord) -> TaskRecord:
        """Store a record under the next free number, and return it with that number."""
        number = len(self._keys(record.task, record.day)) + 1
        while True:
            numbered = record.model_copy(update={"number": number})
            if self._objects.put_if_absent(_key(numbered), numbered.model_dump_json(indent=2).encode()):
                return numbered
            number += 1

    def of(self, task: str, day: date | None) -> Sequence[TaskRecord]:
        """Return all records of a task for a day, oldest first."""
        return [TaskRecord.model_validate_json(self._objects.get(key)) for key in self._keys(task, day)]

    def last(self, task: str, day: date | None) -> TaskRecord | None:
        """Return the newest record of a task for a day."""
        keys = self._keys(task, day)
        return TaskRecord.model_validate_json(self._objects.get(keys[-1])) if keys else None

    def last_promoted(self, task: str, day: date) -> TaskRecord | None:
        """Return the newest record with which a day was promoted; None if it never was."""
        promoted = (r for r in reversed(self.of(task, day)) if r.result.outcome == "promoted")
        return next(promoted, None)

    def days(self) -> Sequence[date]:
        """Return the days that have records, in order."""
        names = {key.split("/")[1] for key in self._objects.list(f"{_FOLDER}/")} - {_NO_DAY}
        return sorted(map(date.fromisoformat, names))

    def _keys(self, task: str, day: date | None) -> Sequence[str]:
        return sorted(self._objects.list(_folder(task, day)))


def _folder(task: str, day: date | None) -> str:
    return f"{_FOLDER}/{day or _NO_DAY}/{task}/"


def _key(record: TaskRecord) -> str:
    # Six digits, so that keys sort like numbers.
    return f"{_folder(record.task, record.day)}{record.number:06d}.json"
