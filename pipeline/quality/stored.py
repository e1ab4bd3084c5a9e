"""Stores and fetches quality reports in the lake. Importing it imports neither Spark nor plots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from pipeline.base.errors import NoSuchObject, NoSuchReport

_FOLDER: Final = "quality/"
_REPORT: Final = "report.json"


class Objects(Protocol):
    """The operations needed of the object store (pipeline/lake/objects.py)."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes. Raises NoSuchObject."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Write an object, replacing an existing one."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """Return the keys with this prefix."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object if it exists."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """The stored files of a day's quality report."""

    report: bytes
    """JSON (pipeline/quality/day_report.py)."""
    page: bytes
    """HTML."""
    model: bytes = b""
    """The Isolation Forest; empty without one, like its scores."""
    scores: bytes = b""


def folder_of(day: date) -> str:
    """Return the prefix of a day's files."""
    return f"{_FOLDER}{day}/"


def keep(stored: StoredReport, day: date, objects: Objects) -> None:
    """Replace the day's files. The report is written last, so if it exists the rest does, too."""
    files = {"forest.parquet": stored.model, "forest-scores.parquet": stored.scores}
    for name, content in {**files, "report.html": stored.page, _REPORT: stored.report}.items():
        key = f"{folder_of(day)}{name}"
        if content:
            objects.put(key, content)
        else:
            objects.delete(key)


def fetch(day: date, objects: Objects) -> StoredReport:
    """Return the day's report and page. Raises NoSuchReport, which names the days that have one."""
    try:
        report, page = (objects.get(f"{folder_of(day)}{name}") for name in (_REPORT, "report.html"))
    except NoSuchObject:
        raise NoSuchReport(day, reported_days(objects)) from None
    return StoredReport(report=report, page=page)


def reported_days(objects: Objects) -> Sequence[date]:
    """Return the days that have a report, in order."""
    keys = (key.split("/") for key in objects.list(_FOLDER))
    return sorted(date.fromisoformat(day) for _, day, name in keys if name == _REPORT)
