"""A harness that is killed at any moment leaves no process, and what it recorded can be judged."""

from __future__ import annotations

import os
import random
import re
import signal
from pathlib import Path

import pytest

from harness.base.errors import WaitTimeout
from harness.base.waiting import wait_until
from harness.history.progress import LoadProgress
from tests.end_to_end.command import ROOT, Answer, floodmark, left_behind, start

SMALL = ROOT / "tests" / "end_to_end" / "small" / "small.yaml"
MOMENTS = 4
WITHIN_S = 45.0
SEED = 20261123


def moments() -> list[float]:
    """Random moments, one in each quarter of the time that such a run takes."""
    chance = random.Random(SEED)
    return [round((n + chance.random()) * WITHIN_S / MOMENTS, 1) for n in range(MOMENTS)]


def recorded_events(run: Path) -> int:
    """At least so many acknowledgements are in the history: it lies up to two of the load's 12 s behind."""
    progress = LoadProgress.load(run / "load")
    return 0 if progress is None else progress.acknowledged - progress.total // 6


def judged_events(answer: Answer) -> int:
    """What the findings say that they rest on."""
    found = re.search(r"([\d,]+) events", answer.json["findings"][0]["evidence"]["text"])
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.parametrize("after_s", moments())
def test_a_killed_harness_leaves_nothing_and_a_judgeable_run(after_s: float, tmp_path: Path) -> None:
    out, state = tmp_path / "runs", tmp_path / "state"
    process = start(("run", str(SMALL), "--out", str(out)), state)
    with pytest.raises(WaitTimeout):
        wait_until(lambda: process.poll() is not None, timeout_s=after_s, what="the moment of the kill")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(
        lambda: not left_behind(tmp_path),
        timeout_s=10,
        what="every process to end",
        last_seen=lambda: "\n".join(left_behind(tmp_path)),
    )
    for run in out.glob("*--*"):
        answer = floodmark(
            "judge", run.name, "--out", str(out), "--output", "json", state=state, timeout_s=60
        )
        assert answer.exit_code in (1, 3), answer.stderr
        assert answer.json["verdict"] in ("FAIL", "INCONCLUSIVE"), answer.table()
        assert judged_events(answer) >= recorded_events(run), answer.table()
