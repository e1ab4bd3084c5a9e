"""The configuration of a run's process: a frozen value in a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class ProcessConfig(BaseModel):
    """Base of the configurations of the load's, the readers' and the prober's processes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def save(self, path: Path) -> None:
        """Write for the process."""
        path.write_text(self.model_dump_json(indent=2))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote. Raises OSError or pydantic's ValidationError."""
        return cls.model_validate_json(path.read_bytes())
