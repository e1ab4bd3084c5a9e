"""Where the records of tasks are kept: an object each, written once, in the lake itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, Protocol

from pipeline.days.task import TaskRecord

_FOLDER: Final = "runs"
_NO_DAY: Final = "every-day"


class Objects(Protocol):
    """What the records ask of the object store (pipeline/lake/objects.py)."""

    def get(self, key: str) -> bytes:
        """An object's bytes."""
        ...

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write a new object; False when there is one."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """The keys that begin so, in order."""
        ...


class Records:
    """The records of one lake."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def add(self, record: TaskRecord) -> TaskRecord:
        """Keep a record under the next free number, which it then bears."""
        number = len(self._keys(record.task, record.day)) + 1
        while True:
            numbered = record.model_copy(update={"number": number})
            if self._objects.put_if_absent(_key(numbered), numbered.model_dump_json(indent=2).encode()):
                return numbered
            number += 1

    def of(self, task: str, day: date | None) -> Sequence[TaskRecord]:
        """All of a task for a day, the first one first."""
        return [TaskRecord.model_validate_json(self._objects.get(key)) for key in self._keys(task, day)]

    def last(self, task: str, day: date | None) -> TaskRecord | None:
        """The newest of a task for a day."""
        keys = self._keys(task, day)
        return TaskRecord.model_validate_json(self._objects.get(keys[-1])) if keys else None

    def last_promoted(self, task: str, day: date) -> TaskRecord | None:
        """The newest by which a day was promoted; None when it never was."""
        promoted = (r for r in reversed(self.of(task, day)) if r.result.outcome == "promoted")
        return next(promoted, None)

    def days(self) -> Sequence[date]:
        """Those of which there are records, in order."""
        names = {key.split("/")[1] for key in self._objects.list(f"{_FOLDER}/")} - {_NO_DAY}
        return sorted(map(date.fromisoformat, names))

    def _keys(self, task: str, day: date | None) -> Sequence[str]:
        return sorted(self._objects.list(_folder(task, day)))


def _folder(task: str, day: date | None) -> str:
    return f"{_FOLDER}/{day or _NO_DAY}/{task}/"


def _key(record: TaskRecord) -> str:
    # Six digits, so that keys in order are numbers in order.
    return f"{_folder(record.task, record.day)}{record.number:06d}.json"
