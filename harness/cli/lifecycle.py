"""``floodmark lake lifecycle``: show or move the lake's data that is old enough for the archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final

import typer

from harness.cli.archive_access import NEEDS, AsOfOption, lake_at, moment, say, shown
from harness.cli.output import OutputFormat, OutputOption, Progress, print_json, print_table
from harness.cli.platforms import EndpointsOption, platform_of
from pipeline.lifecycle.archive import apply as archive
from pipeline.lifecycle.archive_record import archived_days
from pipeline.lifecycle.lake_stores import covered_objects
from pipeline.lifecycle.plan import Move, plan

_COLUMNS: Final = ("day", "piece", "files", "bytes")

ApplyOption = Annotated[
    bool, typer.Option("--apply", help="Move it. Without this option it is only shown, and nothing changes.")
]


def lifecycle(
    *,
    apply: ApplyOption = False,
    as_of: AsOfOption = None,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Show data that is old enough for the archive, and move it there with --apply.

    A day of a table is copied, recorded with its checksums and then deleted from the table by one commit. Its
    files stay in the store until `floodmark lake care` vacuums the table. A day with anything in the
    archive is not run again; `floodmark lake restore` brings it back beside the tables. To rehearse
    it on a platform of young days, give a later --as-of: with --apply they are moved as they would be then.

    Example: floodmark lake lifecycle --apply

    Exit codes: 0 shown or moved, 2 an option was refused, 3 another writer holds a table or changed a day,
    4 the platform could not be reached, 130 interrupted.
    """
    now, report = moment(as_of), Progress()
    with lake_at(platform_of(endpoints, needs=NEEDS)) as lake:
        policy = lake.stores.policy
        moves = plan(policy, covered_objects(lake.stores, lake.objects.sizes), now)
        for move in moves if apply else ():
            archive([move], lake.stores, now)
            report(f"archived {move.name}: {len(move.objects):,} files, {_bytes_of(move):,} bytes")
        days = sorted(archived_days(policy, lake.objects))
    if output is OutputFormat.JSON:
        rows = [{"name": m.name, "day": m.day, "files": len(m.objects), "bytes": _bytes_of(m)} for m in moves]
        print_json({"as_of": now, "applied": apply, "moves": rows, "archived_days": days})
        return
    _show(moves, days, applied=apply)
    say(f"{len(moves):,} pieces of days that ended {policy.tiers.warm.under_days} days before {shown(now)}")


def _show(moves: Sequence[Move], archived: Sequence[date], *, applied: bool) -> None:
    rows = [(str(m.day), m.name, f"{len(m.objects):,}", f"{_bytes_of(m):,}") for m in moves]
    print_table("Moved into the archive" if applied else "To be moved into the archive", _COLUMNS, rows)
    if moves and not applied:
        say("nothing was changed; --apply moves it")
    say(f"days in the archive: {', '.join(map(str, archived)) or 'none'}")


def _bytes_of(move: Move) -> int:
    return sum(member.bytes for member in move.objects)
