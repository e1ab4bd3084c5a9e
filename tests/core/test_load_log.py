"""What a run tells of a load that failed: the cause, once, and not the noise around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.run.load_log import last_words

LOCUST = "[2026-01-02 03:04:05,678] host/ERROR/harness.load.workers.worker: "
OWN = "2026-01-02 03:04:05,678 ERROR harness.load.send.record_batches: "
SUMMARY = "Type     Name      # reqs\n--------|---------\n         Aggregated       0\n"


def words(folder: Path, text: str) -> str:
    (folder / "load.log").write_text(text)
    return last_words(folder / "load.log")


def test_an_error_is_found_before_the_summary_that_ends_the_log(tmp_path: Path) -> None:
    log = f"starting\n{LOCUST}the load cannot start: no topic x\n{SUMMARY}"
    assert words(tmp_path, log) == "harness.load.workers.worker: the load cannot start: no topic x"


def test_what_several_workers_say_is_said_once(tmp_path: Path) -> None:
    assert words(tmp_path, f"{OWN}cannot begin: x\n{OWN}cannot begin: x\n") == (
        "harness.load.send.record_batches: cannot begin: x"
    )


def test_a_consequence_is_left_out_beside_its_cause(tmp_path: Path) -> None:
    master = LOCUST.replace("worker", "master")
    log = f"{OWN}cannot begin: x\n{master}the load ends: worker local failed; its log says why\n"
    assert words(tmp_path, log) == "harness.load.send.record_batches: cannot begin: x"


@pytest.mark.parametrize(("log", "said"), [("", ""), ("a\n\n b\nc\nd\n", "b; c; d")])
def test_without_an_error_the_last_lines_are_told(tmp_path: Path, log: str, said: str) -> None:
    assert words(tmp_path, log) == said


def test_a_load_without_a_log_said_nothing(tmp_path: Path) -> None:
    assert last_words(tmp_path / "load.log") == ""
