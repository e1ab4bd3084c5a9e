"""A worker of another machine takes part in a load, from its start to its records in the run's history."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from harness.load.driver import _on_loopback
from harness.load.join.config import Gathered, JoinConfig, Joining, SharedFile
from harness.load.join.driver import join_argv
from harness.load.join.transfer import FileFacts
from harness.load.progress import LoadProgress
from harness.load.replay_config import ReplayConfig
from harness.run_clock import RunClock
from harness.waiting import wait_until
from tests.core.locust_parts import configure, load_of, mock_kafka, payloads
from tests.core.replay_parts import operations, plan_row


def expecting_one(config: ReplayConfig, folder: Path) -> ReplayConfig:
    files = {name: SharedFile(path=path, facts=FileFacts.of(path)) for name, path in config.shared().items()}
    join = JoinConfig(
        joining=Joining(workers=1, port=_on_loopback().port),
        processes=1,
        files=files,
        gathered=folder / "gathered.json",
        start=folder / "start.json",
    )
    return config.model_copy(update={"join": join, "starts_with_test": False})


@contextmanager
def joined(config: ReplayConfig, elsewhere: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command of a worker that joins, with a cache and a folder of its own."""
    assert config.join is not None
    (elsewhere / "own").mkdir(parents=True)
    argv, env = join_argv(config.join.joining, elsewhere / "own")
    env |= {**os.environ, **env, "FLOODMARK_CACHE": str(elsewhere / "cache")}
    with (elsewhere / "join.log").open("wb") as log:
        process = subprocess.Popen(argv, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_joined_worker_gets_what_it_lacks_and_its_records_reach_the_run(tmp_path: Path) -> None:
    rows = [plan_row(seq, entity_id=f"e{seq % 11}") for seq in range(300)]
    elsewhere = tmp_path / "elsewhere"
    with mock_kafka() as kafka:
        config = expecting_one(configure(tmp_path, kafka, rows), tmp_path)
        join = config.join
        assert join is not None
        with load_of(config, tmp_path, processes=1) as load, joined(config, elsewhere) as other:
            wait_until(
                lambda: Gathered.load(join.gathered).hosts,
                timeout_s=30,
                what="the worker",
                last_seen=(elsewhere / "join.log").read_text,
            )
            start_ns = config.clocks.run_clock.now_ns() + 2_000_000_000
            clocks = config.clocks.model_copy(update={"load_start_ns": start_ns})
            clocks.save(join.start)
            assert load.wait(30) == 0, (tmp_path / "load.log").read_text()
            assert other.wait(30) == 0, (elsewhere / "join.log").read_text()
        found = payloads(kafka, "events", 300)
    assert sorted(payload for there in found for payload in there) == sorted(row["payload"] for row in rows)
    recorded = operations(tmp_path)
    assert [seq for row in recorded for seq in range(row["first_seq"], row["last_seq"] + 1)] == list(
        range(300)
    )
    (line,) = map(orjson.loads, (tmp_path / "history" / "workers.jsonl").read_bytes().splitlines())
    assert (line["offset_ns"], line["uncertainty_ns"], line["shared_clock"]) == (0, 0, True)
    joined_operations = [row for row in recorded if row["worker"] == line["worker"]]
    assert 0 < len(joined_operations) < len(recorded)
    assert all(start_ns <= row["started_ns"] < RunClock.now_ns(clocks.run_clock) for row in recorded)
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert (progress.state, progress.acknowledged, progress.workers) == ("done", 300, 2)
    (cached,) = (elsewhere / "cache" / "joined").iterdir()
    assert cached.read_bytes() == config.plan.read_bytes()
