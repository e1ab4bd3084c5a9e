"""Where a day's quality report lies in the lake. Light: whoever fetches one needs neither Spark nor plots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from pipeline.errors import NoSuchObject, NoSuchReport

_FOLDER: Final = "quality/"
_REPORT: Final = "report.json"


class Objects(Protocol):
    """What is asked of the object store (pipeline/lake/objects.py)."""

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises NoSuchObject."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Write an object, in place of the one that may be there."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """The keys that begin so."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """What is kept of a day's quality."""

    report: bytes
    """JSON, by pipeline/quality/report.py."""
    page: bytes
    """HTML."""
    model: bytes = b""
    """The Isolation Forest; empty without one, as are its scores."""
    scores: bytes = b""


def folder_of(day: date) -> str:
    """Below which all of a day lies."""
    return f"{_FOLDER}{day}/"


def keep(stored: StoredReport, day: date, objects: Objects) -> None:
    """Replace what is kept of the day. The report comes last: where one is, the rest is there."""
    files = {"forest.parquet": stored.model, "forest-scores.parquet": stored.scores}
    for name, content in {**files, "report.html": stored.page, _REPORT: stored.report}.items():
        key = f"{folder_of(day)}{name}"
        if content:
            objects.put(key, content)
        else:
            objects.delete(key)


def fetch(day: date, objects: Objects) -> StoredReport:
    """The day's report and page. Raises NoSuchReport, which names the days that have one."""
    try:
        report, page = (objects.get(f"{folder_of(day)}{name}") for name in (_REPORT, "report.html"))
    except NoSuchObject:
        raise NoSuchReport(day, reported_days(objects)) from None
    return StoredReport(report=report, page=page)


def reported_days(objects: Objects) -> Sequence[date]:
    """The days that have a report, in order."""
    keys = (key.split("/") for key in objects.list(_FOLDER))
    return sorted(date.fromisoformat(day) for _, day, name in keys if name == _REPORT)
