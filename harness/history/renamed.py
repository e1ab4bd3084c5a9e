"""What histories called their tables and phases before these were renamed: such runs can still be judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

_LAKE: Final = (
    *("landing", "bronze", "silver", "rejects", "gold_daily", "gold_hourly", "gold_entity_days"),
    *("gold_entities", "tasks", "gates", "contents", "scans"),
)
_RECORDED: Final[Mapping[str, str]] = MappingProxyType(
    {f"lake_{name}": f"batch_{name}" for name in _LAKE} | {"readback_record_batches": "readback_batches"}
)
_NOW: Final[Mapping[str, str]] = MappingProxyType({old: new for new, old in _RECORDED.items()})


def table_folder(history: Path, table: str) -> Path:
    """The folder of a table's files, under the name that it had when the run was recorded."""
    recorded = history / _RECORDED.get(table, table)
    return recorded if recorded.is_dir() else history / table


def table_now(recorded: str) -> str:
    """Today's name of a table that was recorded under this one."""
    return _NOW.get(recorded, recorded)


def phase_now(recorded: object) -> object:
    """Today's name of a phase that was recorded under this one."""
    return "lake" if recorded == "batch" else recorded
