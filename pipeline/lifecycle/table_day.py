"""A day of a Delta table, as it was when it was archived."""

from __future__ import annotations

from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class TableFile(_Value):
    """A file of a table's day, as the table's log lists it."""

    path: str
    """Relative to the table, as in the log."""
    bytes: int
    rows: int | None
    partition_values: dict[str, str | None]

    def key(self, table: str) -> str:
        """Return the file's object key. Paths in a log are URI-encoded."""
        return f"{table}/{unquote(self.path)}"


class TableDay(_Value):
    """A day of a Delta table."""

    table: str
    version: int
    """The last version that contains the day."""
    columns: str
    """The table's schema in Delta's own JSON."""
    partition_columns: tuple[str, ...]
    files: tuple[TableFile, ...]
