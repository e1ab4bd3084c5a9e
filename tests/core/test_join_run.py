"""A worker of another machine takes part in a run's load, from its start to its records in the history."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

import orjson
import pytest

from harness.artifacts import cache_dir
from harness.base.errors import InvalidInput
from harness.base.run_clock import RunClock
from harness.history.progress import LoadProgress
from harness.history.reader import History
from harness.judge.measure.measurement import Count
from harness.load.join.command import join_argv
from harness.load.plan.file import PlanFile
from harness.load.workers.driver import LOAD_LEAD_S, _on_loopback
from harness.load.workers.join_config import Joining
from harness.load.workers.prepared_load import PreparedLoad, planned_load, prepare_load
from harness.observe.readback.record_batches import read_back_record_batches
from harness.processes.protocol import ProcessStatus
from harness.run.folder import RunFolder
from harness.run.real.load_start import LoadParts
from harness.run.run import LOAD, RunContext
from harness.scenario.model import Load, Scenario
from harness.scenario.profiles.constant import Constant
from pipeline.base.endpoints import Endpoints, KafkaEndpoint, Security
from pipeline.base.options import PipelineOptions, TopicOptions
from tests.core.events_parts import operations, plan_file, plan_row, write_plan
from tests.core.histories import RECORD_BATCH_CHECKS, run_info, scenario
from tests.core.locust_parts import PARTITIONS, mock_kafka, payloads
from tests.core.scenario_parts import FIXTURES

EVENTS = 300


class ThisMachine:
    """A platform of one process, the load's, and so its processes as well."""

    def __init__(self, log: Path) -> None:
        self.log, self.processes = log, self
        self.started: list[subprocess.Popen[bytes]] = []

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        self.started.append(started(argv, env, self.log))

    def status(self) -> tuple[ProcessStatus, ...]:
        state: Literal["running", "dead"] = "running" if self.started[0].poll() is None else "dead"
        return (ProcessStatus(name=LOAD, state=state, pid=1, memory_bytes=0, cpu_s=0),)


def started(argv: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(argv, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT)


LoadPath = Literal["events", "record_batches", "computed"]


def described(path: LoadPath) -> Scenario:
    trace = FIXTURES / "traces" / "drawn.yaml"
    load = Load(trace=trace, event_span=3.0, duration=3.0, path=path, profile=Constant(rate=100.0))
    topics = TopicOptions(partitions=PARTITIONS)
    return scenario(load=load, pipeline=PipelineOptions(deploy=(), topics=topics))


@contextmanager
def flood(folder: RunFolder, asked: Scenario, kafka: KafkaEndpoint, elsewhere: Path) -> Iterator[ThisMachine]:
    """The load of a run that one worker joins, which has a cache and a folder of its own."""
    Endpoints(services=(kafka,)).save(folder.endpoints)
    clock, joining = RunClock.start(), Joining(workers=1, port=_on_loopback().port)
    load, platform = LoadParts(joining=joining), ThisMachine(folder.logs / "load.log")
    (elsewhere / "own").mkdir(parents=True)
    argv, env = join_argv(joining, elsewhere / "own")
    other = started(argv, {**env, "FLOODMARK_CACHE": str(elsewhere / "cache")}, elsewhere / "join.log")
    try:
        context = RunContext(
            scenario=asked,
            folder=folder,
            platform=platform,  # type: ignore[arg-type]
            load=prepared(asked, folder),
            clock=clock,
            report=lambda _: None,
        )
        load.gather(context)
        start_ns = clock.now_ns() + round(LOAD_LEAD_S * 1e9 / 3)
        info = run_info(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=start_ns,
            origin_ms=time.time_ns() // 1_000_000 - 10_000,
            time_scale=1.0,
        )
        info.save(folder.history)
        load.start(context, info)
        assert platform.started[0].wait(50) == 0, platform.log.read_text()
        assert other.wait(50) == 0, (elsewhere / "join.log").read_text()
        yield platform
    finally:
        for process in (*platform.started, other):
            process.kill()
            process.wait()


def prepared(asked: Scenario, folder: RunFolder) -> PreparedLoad:
    if asked.load.path == "computed":
        return prepare_load(asked, cache=cache_dir(), report=lambda _: None)
    return planned_load(asked, plan_of(folder), cache=cache_dir(), report=lambda _: None)


def plan_of(folder: RunFolder) -> PlanFile:
    rows = [plan_row(seq, entity_id=f"e{seq % 11}") for seq in range(EVENTS)]
    return replace(plan_file(write_plan(folder.plan, rows), EVENTS), counts={"closing": 0})


@pytest.mark.parametrize("path", ["events", "record_batches"])
def test_a_joined_worker_gets_what_it_lacks_and_its_records_reach_the_run(
    path: LoadPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOODMARK_CACHE", str(tmp_path / "cache"))
    asked, elsewhere = described(path), tmp_path / "elsewhere"
    folder = RunFolder.create(tmp_path, asked, date(2026, 1, 2))
    with mock_kafka() as kafka, flood(folder, asked, kafka, elsewhere):
        found = [payload for there in payloads(kafka, "events", EVENTS) for payload in there]
    assert sorted(found) == sorted(plan_row(seq)["payload"] for seq in range(EVENTS))
    recorded = operations(folder.path)
    assert [seq for row in recorded for seq in range(row["first_seq"], row["last_seq"] + 1)] == list(
        range(EVENTS)
    )
    (line,) = map(orjson.loads, (folder.history / "workers.jsonl").read_bytes().splitlines())
    assert (line["offset_ns"], line["uncertainty_ns"], line["shared_clock"]) == (0, 0, True)
    assert {row["worker"] for row in recorded} == {"worker-0", "worker-1"}
    assert line["worker"] in ("worker-0", "worker-1")
    progress = LoadProgress.load(folder.load_progress)
    assert progress is not None
    assert (progress.state, progress.acknowledged, progress.workers) == ("done", EVENTS, 2)
    assert len(list((elsewhere / "cache" / "joined").iterdir())) == {"events": 1, "record_batches": 2}[path]


def test_a_joined_worker_computes_its_share_and_says_of_which_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOODMARK_CACHE", str(tmp_path / "cache"))
    asked, elsewhere = described("computed"), tmp_path / "elsewhere"
    folder = RunFolder.create(tmp_path, asked, date(2026, 1, 2))
    with mock_kafka() as kafka, flood(folder, asked, kafka, elsewhere):
        found = [payload for there in payloads(kafka, "events", EVENTS) for payload in there]
        read_back_record_batches(kafka, "events", history=folder.history, report=lambda _: None)
    assert len(set(found)) == EVENTS
    assert {row["worker"] for row in operations(folder.path)} == {"worker-0", "worker-1"}
    run = History.open(folder.path)
    for check in RECORD_BATCH_CHECKS:
        measured = check.measure(run)
        assert isinstance(measured, Count), measured
        assert measured.value == 0, (check.name, measured)
    assert not list((elsewhere / "cache").glob("joined/*"))


def test_nobody_joins_a_platform_that_asks_for_credentials_and_no_load_is_started(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, described("events"), date(2026, 1, 2))
    secured = Security(protocol="sasl_plaintext", username="u", password="not-to-be-shown")  # noqa: S106
    Endpoints((KafkaEndpoint(bootstrap_servers=("localhost:1",), security=secured),)).save(folder.endpoints)
    asked, load = described("events"), LoadParts(joining=Joining(workers=1))
    platform = ThisMachine(folder.logs / "load.log")
    context = RunContext(
        scenario=asked,
        folder=folder,
        platform=platform,  # type: ignore[arg-type]
        load=prepared(asked, folder),
        clock=RunClock.start(),
        report=lambda _: None,
    )
    with pytest.raises(InvalidInput, match=r"kafka: found sasl_plaintext; allowed: plaintext") as refused:
        load.gather(context)
    assert "not-to-be-shown" not in str(refused.value)
    assert not platform.started
