"""Shared by the archive commands: access to the lake, the moment, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.text import Text

from harness.base.errors import PlatformError, RunError
from harness.cli.output import console
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import CommitConflict, LeaseLost, PipelineError, TableHeld
from pipeline.lake.objects import Objects
from pipeline.lifecycle.lake_stores import lake_stores
from pipeline.lifecycle.stores import Stores

NEEDS: Final = ("object_store",)
_HOLDER: Final = "floodmark lake lifecycle"
_MOMENTS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

AsOfOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=_MOMENTS,
        help="The moment on the event clock, UTC; a later one rehearses the future.  [default: now]",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """A platform's lake."""

    stores: Stores
    objects: Objects


@contextmanager
def lake_at(endpoints: Endpoints) -> Iterator[Lake]:
    """Open the lake; its errors are raised as RunError and PlatformError."""
    store = endpoints.object_store
    objects = Objects(store)
    try:
        yield Lake(stores=lake_stores(store, objects, holder=_HOLDER), objects=objects)
    except (TableHeld, LeaseLost, CommitConflict) as error:
        raise RunError(str(error)) from error
    except PipelineError as error:
        raise PlatformError(f"the lake: {error}") from error


def moment(as_of: datetime | None) -> datetime:
    """The value of ``--as-of``, or now in whole seconds, the precision of that option."""
    return datetime.now(UTC).replace(microsecond=0) if as_of is None else as_of.replace(tzinfo=UTC)


def shown(at: datetime) -> str:
    """Format a moment for people."""
    return f"{at:%Y-%m-%d %H:%M:%S} (UTC)"


def say(line: str) -> None:
    """Write a line for people."""
    console().print(Text(line), soft_wrap=True)
