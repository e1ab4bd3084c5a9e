"""Days on the command line: dates, UTC."""

from __future__ import annotations

from datetime import date

import typer


def day(text: str) -> date:
    """A day as it is written. Raises what becomes a refused option."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"found {text}; allowed: a date as 2026-11-20 ({error})") from error
