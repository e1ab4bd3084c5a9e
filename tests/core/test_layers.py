"""Arrows point one way, and what is shipped is whole."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = """
import harness.cli.main
assert "site/harness" in harness.cli.main.__file__, harness.cli.main.__file__
harness.cli.main.main()
"""
FORBIDDEN = {"pipeline": {"harness", "reports", "tests"}, "harness": {"tests"}, "reports": {"tests"}}


def imported(file: Path) -> Iterator[str]:
    """The top-level packages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize(("layer", "above"), FORBIDDEN.items())
def test_no_layer_imports_one_above_it(layer: str, above: set[str]) -> None:
    files = sorted((ROOT / layer).rglob("*.py"))
    assert files
    assert {file: found for file in files if (found := above & set(imported(file)))} == {}


def test_a_wheel_has_all_that_a_run_is_made_of(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    answer = subprocess.run(
        [sys.executable, "-P", "-c", SHIPPED, "validate", str(scenario(tmp_path))],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    shipped = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*")}
    for needed in (
        "compose/kafka/server.properties.j2",
        "pipeline/stream/sql/job.sql",
        "pipeline/contract/java/EventParser.java",
    ):
        assert Path(needed) in shipped


def scenario(folder: Path) -> Path:
    """The quickstart as the wheel has it."""
    return folder / "site" / "scenarios" / "quickstart.yaml"
