"""Where the product's own data lies: beside its code, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SCENARIOS: Final = Path(__file__).resolve().parents[2] / "scenarios"
"""The product's scenarios, with ``topologies/`` and ``traces/`` in it."""
