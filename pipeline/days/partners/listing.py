"""Lists what partners drop: objects under ``landing/partners/<partner>/<YYYY-MM-DD>/<file>``.

A file's rows belong to the day of its folder: a day is complete when its own folder is, and no file reopens
any other day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

PREFIX: Final = "landing/partners/"
_KEY: Final = re.compile(
    # No hidden files and no "..": some stores are folders, and file names are displayed.
    PREFIX + r"[a-z][a-z0-9-]{0,62}/(?P<day>\d{4}-\d{2}-\d{2})/[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
)
_EXPECTED: Final = (
    f"expected {PREFIX}<partner>/<YYYY-MM-DD>/<file>: a partner of small letters, digits and -,"
    " a file of letters, digits, ., _ and - that begins with a letter or digit"
)


class Listing(Protocol):
    """The operations that finding the files needs of the object store."""

    def list(self, prefix: str, /) -> Iterable[str]:
        """Return the keys with this prefix."""
        ...

    def etag(self, key: str, /) -> str:
        """Return a tag that changes with the object's content."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PartnerFile:
    """One file as it is now. Dropped again with other content, it is a different one."""

    key: str
    etag: str

    @property
    def day(self) -> date:
        """The day that its rows belong to."""
        return date.fromisoformat(self.key.split("/")[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that is not read, with everything that is wrong with it."""

    key: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerListing:
    """Everything that partners have dropped, sorted by key."""

    files: tuple[PartnerFile, ...]
    misplaced: tuple[RefusedFile, ...] = ()
    """Files whose key names no partner or no day, so their rows belong to no day."""

    def of(self, day: date) -> tuple[PartnerFile, ...]:
        """Return the files of one day."""
        return tuple(file for file in self.files if file.day == day)


def partner_listing(objects: Listing) -> PartnerListing:
    """List what has been dropped. Raises what ``objects`` raises."""
    keys = sorted(key for key in objects.list(PREFIX) if not key.endswith("/"))
    placed = {key: _is_placed(key) for key in keys}
    return PartnerListing(
        files=tuple(PartnerFile(key=key, etag=objects.etag(key)) for key in keys if placed[key]),
        misplaced=tuple(RefusedFile(key=key, problems=(_EXPECTED,)) for key in keys if not placed[key]),
    )


def _is_placed(key: str) -> bool:
    found = _KEY.fullmatch(key)
    if found is None:
        return False
    try:
        date.fromisoformat(found["day"])
    except ValueError:
        return False
    return True
