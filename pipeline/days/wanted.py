"""What one process of the lake is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class CareWanted:
    """Tables are cared for."""

    tables: tuple[str, ...] = ()
    """Their names; all without any."""
    since: date | None = None
    """Only days from this one on are compacted or clustered; all without it."""
    clustered: bool = False
    """Whether tables that have columns for it are clustered, which writes every file of the days anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysWanted:
    """Days are carried out: those that are open, unless days or ends are given."""

    days: tuple[date, ...] = ()
    """Open or not."""
    ends: tuple[date, ...] = ()
    """For each, what the source held when that day ended is landed, and what is open then carried out."""
    rest: bool = False
    """Then what is left is landed, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All of it, in this order."""

    first: CareWanted | DaysWanted
    scans: tuple[date, ...] = ()
    """The days of which is measured how much of Silver a query reads."""
