"""The lists of code that decides what a cached plan or an encoded trace holds name files that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.load.plan import cached
from harness.load.send.record_batches import trace_build

HARNESS = Path(cached.__file__).parents[2]
ENCODERS = Path(trace_build.__file__).parent
LISTED = [*(HARNESS / name for name in cached.CODE), *(ENCODERS / name for name in trace_build.CODE)]


@pytest.mark.parametrize("file", LISTED, ids=lambda path: str(path.relative_to(HARNESS)))
def test_every_listed_file_exists(file: Path) -> None:
    assert file.is_file()


@pytest.mark.parametrize("listed", [cached.CODE, trace_build.CODE])
def test_files_are_listed_once_and_in_order(listed: tuple[str, ...]) -> None:
    assert len(set(listed)) == len(listed)
    folders = [name.rpartition("/")[0].partition("/")[0] for name in listed]
    for folder in set(folders):
        of_folder = [name for name, own in zip(listed, folders, strict=True) if own == folder]
        assert of_folder == sorted(of_folder)


def test_the_plan_is_keyed_by_everything_that_makes_it() -> None:
    folders = ("load/plan", "load/traces", "load/traces/generate")
    made_by = {f"{folder}/{path.name}" for folder in folders for path in (HARNESS / folder).glob("*.py")}
    beside = made_by - set(cached.CODE)
    assert beside == {
        *(f"{folder}/__init__.py" for folder in folders),
        "load/plan/cached.py",
        "load/plan/check.py",
        "load/plan/extent.py",
        "load/plan/whole.py",
        "load/traces/mapping.py",
        "load/traces/source.py",
    }
