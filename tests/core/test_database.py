"""Databases of the harness draw nothing on the terminal, wherever they are opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOWS = "SELECT value FROM duckdb_settings() WHERE name = 'enable_progress_bar'"


@pytest.mark.parametrize(
    "opened",
    [
        "from harness.base.database import database_in_memory as d; c = d()",
        "from harness.load.traces.sql import open_database as d; from pathlib import Path;"
        " c = d(readable=(), spill=Path('.'))",
    ],
)
def test_no_progress_bar_is_drawn_even_where_python_seems_interactive(opened: str, tmp_path: Path) -> None:
    program = f"{opened}; print(c.execute({SHOWS!r}).fetchall())"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)
    assert done.stdout.strip() == b"[('false',)]"


def test_every_database_is_opened_in_one_place() -> None:
    files = [path for layer in ("harness", "pipeline", "reports") for path in (ROOT / layer).rglob("*.py")]
    opening = {path.relative_to(ROOT) for path in files if "duckdb.connect(" in path.read_text()}
    assert opening == {Path("harness/base/database.py")}
