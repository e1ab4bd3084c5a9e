"""What a lake process is started to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class CareRequest:
    """Maintain tables."""

    tables: tuple[str, ...] = ()
    """Table names; empty for all tables."""
    since: date | None = None
    """The first day to compact or cluster; None for all days."""
    clustered: bool = False
    """Whether to cluster tables that have columns for it, which rewrites every file of the days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysRequest:
    """Run days: all open ones, unless days or ends are given."""

    days: tuple[date, ...] = ()
    """Days to run, open or not."""
    ends: tuple[date, ...] = ()
    """For each end: land what the source held when that day ended, then run the days that are open."""
    rest: bool = False
    """Whether to land the rest after the last end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """The work of one process, in this order."""

    first: CareRequest | DaysRequest
    scans: tuple[date, ...] = ()
    """Days for which to measure how much of Silver a query reads."""
