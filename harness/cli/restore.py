"""``floodmark lake restore``: bring an archived day back, beside the tables."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

import typer

from harness.base.errors import InvalidInput, Problem
from harness.cli.archive_access import NEEDS, AsOfOption, Lake, lake_at, moment, say, shown
from harness.cli.output import OutputFormat, OutputOption, Progress, day, print_json, print_table
from harness.cli.platforms import EndpointsOption, platform_of
from pipeline.lifecycle.archive_record import archived_days, archived_names
from pipeline.lifecycle.restore import advance, request_restore, restored_places
from pipeline.lifecycle.restore_request import RestoreRequest, restore_time

_COLUMNS: Final = ("piece", "state", "until", "where")

DateOption = Annotated[date, typer.Option("--date", parser=day, help="The day, UTC.")]
TableOption = Annotated[
    str | None,
    typer.Option("--table", help="Only this table, such as silver/events.  [default: all of the day]"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A requested piece, and whether it is readable."""

    request: RestoreRequest
    readable: bool
    places: Sequence[str]
    """Where it lies once it is readable."""


def restore(
    *,
    date: DateOption,
    table: TableOption = None,
    as_of: AsOfOption = None,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Ask for a day of the archive, and bring back what is due.

    It comes back as tables of its own below restored/, for some days, and never into the tables that it left.
    A restore takes 3 to 5 hours of the event clock, as a standard retrieval from S3 Glacier does: that wait
    is simulated, and the copying is real. Run the same command again after that time, or, to rehearse
    it, with a later --as-of.

    Example: floodmark lake restore --date 2026-08-01 --table silver/events

    Exit codes: 0 asked for or readable, 2 the archive has nothing of it, 4 the platform could not be
    reached or its archive is damaged, 130 interrupted.
    """
    now, report = moment(as_of), Progress()
    with lake_at(platform_of(endpoints, needs=NEEDS)) as lake:
        names = _names(lake, date, table)
        takes = restore_time(lake.stores.policy)
        report(f"asking for {len(names):,} pieces; a restore takes {takes}: the wait is simulated")
        pieces = _restored(lake, names, now)
    if output is OutputFormat.JSON:
        print_json({"as_of": now, "pieces": [_as_json(piece) for piece in pieces]})
        return
    print_table(f"Restore of {date}", _COLUMNS, [_row(piece) for piece in pieces])
    if late := [piece.request.ready_at for piece in pieces if not piece.readable]:
        say(f"run the command again at {shown(max(late))} or later: everything is readable then")


def _names(lake: Lake, day: date, table: str | None) -> Sequence[str]:
    """The names of the requested pieces. Raises InvalidInput if there are none."""
    policy = lake.stores.policy
    names = archived_names(policy, lake.objects, day)
    if not names:
        days = ", ".join(map(str, sorted(archived_days(policy, lake.objects))))
        allowed = f"a day in the archive: {days or 'none yet; see `floodmark lake lifecycle`'}"
        raise InvalidInput([Problem(where="--date", found=str(day), allowed=allowed)])
    chosen = [name for name in names if table is None or name == f"{table}/{day}"]
    if not chosen:
        tables = ", ".join(name.removesuffix(f"/{day}") for name in names if name.endswith(f"/{day}"))
        allowed = f"a table of which {day} is in the archive: {tables or 'none'}"
        raise InvalidInput([Problem(where="--table", found=str(table), allowed=allowed)])
    return chosen


def _restored(lake: Lake, names: Sequence[str], now: datetime) -> Sequence[_Piece]:
    stores = lake.stores
    # A piece requested at the same moment again takes the same time.
    chances = {name: random.Random(f"{name} {now}") for name in names}  # noqa: S311 -- no secret
    requests = [request for name in names for request in request_restore(name, stores, now, chances[name])]
    readable = {request.id for request in advance(stores, now)}
    return [_Piece(request=r, readable=r.id in readable, places=restored_places(r, stores)) for r in requests]


def _as_json(piece: _Piece) -> dict[str, object]:
    return {
        **piece.request.model_dump(mode="json"),
        "readable": piece.readable,
        "where": list(piece.places),
    }


def _row(piece: _Piece) -> tuple[str, ...]:
    request = piece.request
    if not piece.readable:
        return request.name, f"from {shown(request.ready_at)}, {request.evidence}", "", ""
    return request.name, "readable", shown(request.expires_at), ", ".join(piece.places)
