"""A seal names every file of a history, and whatever differs from it later is named, and not read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.errors import RunError
from harness.history.reader import History
from harness.history.seal import SEAL, Seal, inspect_history, seal_history, table_of
from harness.history.writer import TableWriter, append_jsonl
from tests.core.histories import run_info, scenario

PHASES = "history/phases.jsonl"
PART = "history/seen/w-000000.parquet"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A sealed run of a few files."""
    (tmp_path / "history").mkdir()
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    run_info().save(tmp_path / "history")
    append_jsonl(tmp_path / PHASES, {"at_ns": 1, "phase": "steady"})
    append_jsonl(tmp_path / "history/hot_writes-1.jsonl", write(at=5))
    with TableWriter(tmp_path / "history", "seen", "w") as table:
        table.add(at_ns=1)
    seal_history(tmp_path)
    return tmp_path


def write(at: int) -> dict[str, object]:
    return {"at_unix_ns": at, "duration_us": 1.0, "rows": 1, "table": "recent_events"}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_run_is_as_it_was_sealed(run: Path) -> None:
    history = History.open(run)
    assert (history.problems, history.damaged) == ((), frozenset())
    assert set(Seal.decoded((run / SEAL).read_bytes()).files) == {
        "history/hot_writes-1.jsonl",
        "history/phases.jsonl",
        "history/run.json",
        "history/seen/_w.end.json",
        "history/seen/w-000000.parquet",
        "scenario.json",
    }


def linked(path: Path) -> None:
    elsewhere = path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(elsewhere)


DIFFERENCES: dict[str, tuple[str, Callable[[Path], object], str, str]] = {
    "cut": (
        PHASES,
        lambda path: os.truncate(path, 10),
        "phases",
        "phases.jsonl: it was cut from 29 to 10 bytes",
    ),
    "extended": (
        PHASES,
        lambda path: append_jsonl(path, {"at_ns": 2, "phase": "drain"}),
        "phases",
        "phases.jsonl: it was extended from 29 to 57 bytes",
    ),
    "altered": (
        PART,
        flip,
        "seen",
        "seen/w-000000.parquet: it was altered: its SHA-256 differs from the seal's",
    ),
    "missing": (PART, Path.unlink, "seen", "seen/w-000000.parquet: it is missing"),
    "added": (
        "history/faults.jsonl",
        Path.touch,
        "faults",
        "faults.jsonl: it was added after the run: the seal does not list it",
    ),
    "linked": (
        PHASES,
        linked,
        "phases",
        "phases.jsonl: it was replaced by a link or another special file",
    ),
}


@pytest.mark.parametrize("how", DIFFERENCES)
def test_what_differs_is_named_and_how_and_not_read(run: Path, how: str) -> None:
    file, change, table, problem = DIFFERENCES[how]
    change(run / file)
    history = History.open(run)
    assert (history.problems, history.damaged) == ((problem,), {table})
    assert history.phases == () or table != "phases"
    assert history.value("SELECT count(*) FROM seen") == (0 if table == "seen" else 1)


def test_a_fifo_in_place_of_a_file_is_not_waited_for(run: Path) -> None:
    (run / PART).unlink()
    os.mkfifo(run / PART)
    assert History.open(run).damaged == {"seen"}


def test_a_name_that_is_no_text_can_be_told(run: Path) -> None:
    Path(os.fsdecode(os.fsencode(run / "history") + b"/\xff")).touch()
    (problem,) = History.open(run).problems
    assert problem.encode().startswith(rb"\xff: it was added")


@pytest.mark.parametrize("change", [lambda path: os.truncate(path, 40), flip, Path.unlink, linked])
def test_without_its_seal_nobody_knows_what_became_of_a_run_that_ended(
    run: Path, change: Callable[[Path], object]
) -> None:
    change(run / SEAL)
    (problem,) = History.open(run).problems
    assert problem.startswith("seal.json: ")
    assert problem.endswith("; other files may have been altered unnoticed")


@pytest.mark.parametrize("bit", range(0, 8 * 900, 41))
def test_no_bit_of_a_seal_can_be_flipped_unnoticed(run: Path, bit: int) -> None:
    content = bytearray((run / SEAL).read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    (run / SEAL).write_bytes(content)
    assert not inspect_history(run).sealed


@given(content=st.binary(max_size=200) | st.text(alphabet='{}[]":,files0', max_size=60).map(str.encode))
def test_what_is_no_seal_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- whatever is wrong with it
        Seal.decoded(content)


def test_a_run_that_is_still_going_has_no_seal_yet(run: Path) -> None:
    (run / SEAL).unlink()
    run_info(ended="no").save(run / "history")
    assert History.open(run).problems == ()


def test_an_altered_scenario_is_an_error_since_all_that_is_asked_stands_in_it(run: Path) -> None:
    (run / "scenario.json").write_text(scenario(seed=8).model_dump_json())
    with pytest.raises(RunError, match=r"scenario\.json: it was altered"):
        History.open(run)


def test_a_removed_scenario_is_an_error(run: Path) -> None:
    (run / "scenario.json").unlink()
    with pytest.raises(RunError, match=r"scenario\.json: it is missing"):
        History.open(run)


def test_an_altered_run_json_leaves_a_history_without_facts(run: Path) -> None:
    run_info(seed=8).save(run / "history")
    history = History.open(run)
    assert (history.info, history.complete, history.damaged) == (None, False, {"run"})


def test_sealing_again_gives_the_same(run: Path) -> None:
    first = (run / SEAL).read_bytes()
    seal_history(run)
    assert (run / SEAL).read_bytes() == first


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("history/operations/worker-0-000001.parquet", "operations"),
        ("history/readback_hot_events/x", "readback_hot_events"),
        ("history/hot_writes-12.jsonl", "hot_writes"),
        ("history/plan.parquet", "plan"),
        ("history/run.json", "run"),
        ("history/latency-worker-0.hlog", "latency"),
        ("history/.hidden", "history/.hidden"),
    ],
)
def test_checks_know_a_file_by_its_table(name: str, table: str) -> None:
    assert table_of(name) == table
