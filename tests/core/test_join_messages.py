"""What a joined worker and its master say to each other, without Locust between them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.base.errors import PlatformError
from harness.history.progress import LoadProgress, LoadState, progress_file
from harness.load.join import worker as worker_module
from harness.load.join.messages import Ask, Refused
from harness.load.join.server import JoinServer
from harness.load.join.worker import JoinedWorker
from harness.load.share import Share
from harness.load.workers.config import LoadConfig
from harness.load.workers.join_config import FileFacts, Gathered, JoinConfig, Joining, SharedFile
from pipeline.base.endpoints import KafkaEndpoint, Security
from tests.core.events_parts import plan_row
from tests.core.locust_parts import configure, mock_kafka

NOWHERE = KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",), replication_factor=1)
SECOND_NS = 10**9


class Master:
    """A server for one worker to join, and a way to ask it."""

    def __init__(self, folder: Path, kafka: KafkaEndpoint = NOWHERE, workers: int = 1) -> None:
        self.config = configure(folder, kafka, [plan_row(seq) for seq in range(20)])
        self.join = JoinConfig(
            joining=Joining(workers=workers),
            processes=1,
            files={name: file_of(path) for name, path in self.config.source.shared().items()},
            gathered=folder / "gathered.json",
            start=folder / "start.json",
        )
        self.present, self.shares = {"a", "b", "c"}, {"a": Share(index=1, of=2)}
        self.server = JoinServer(
            self.config, self.join, present=lambda: self.present, share_of=self.shares.get
        )

    def ask(self, kind: str, data: dict[str, Any], timeout_s: float = 1.0, member: str = "a") -> Any:
        answer = self.server.answer(member, Ask.model_validate({"number": 1, "kind": kind, "data": data}))
        if answer.error:
            raise Refused(answer.error)
        return answer.data

    def joins(self, member: str = "a") -> None:
        self.ask("join", {"host": f"host-{member}"}, member=member)

    def part(self, name: str, content: bytes = b"x", said: bytes = b"x") -> None:
        scratch = self.config.history.parent / "scratch"
        scratch.write_bytes(said)
        self.ask("part", {"name": name, "facts": FileFacts.of(scratch).model_dump(), "data": content})

    def progress(self, state: LoadState, /, **changes: Any) -> None:
        counts = {"sent": 5, "acknowledged": 5, "unknown": 0, "failed": 0, "total": 20}
        told = {"state": state, "at_ns": 1, "behind_ms": 0, "workers": 2}
        self.ask("progress", {**told, **counts, **changes})


def file_of(path: Path) -> SharedFile:
    return SharedFile(path=path, facts=FileFacts.of(path))


@pytest.mark.parametrize("offset_s", [-3, 3600])
def test_a_joined_worker_counts_on_the_clock_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset_s: int
) -> None:
    monkeypatch.setattr(worker_module, "boot_id", lambda: "another machine's")
    hired: list[LoadConfig] = []

    def own_clock() -> int:
        return time.monotonic_ns() - offset_s * SECOND_NS

    with mock_kafka() as kafka:
        master = Master(tmp_path, kafka)
        own = folder_of(tmp_path)
        JoinedWorker(master.ask, folder=own, cache=tmp_path / "cache", monotonic_ns=own_clock).prepare(
            hired.append
        )
    (config,) = hired
    run_ns = master.config.clocks.run_clock.now_ns()
    worker_ns = own_clock() - config.clocks.epoch_monotonic_ns
    assert abs(worker_ns - run_ns) < SECOND_NS
    assert (own / "plan.parquet").read_bytes() == (tmp_path / "plan.parquet").read_bytes()
    assert all(path.is_relative_to(own) for path in (config.history, config.progress, config.endpoints))
    assert Gathered.load(master.join.gathered).hosts


def test_a_worker_that_cannot_reach_the_platform_says_so_before_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise PlatformError("kafka at 127.0.0.1:1 gave no answer")

    monkeypatch.setattr(worker_module, "check_target", unreachable)
    master = Master(tmp_path)
    with pytest.raises(PlatformError, match="no answer"):
        JoinedWorker(master.ask, folder=folder_of(tmp_path), cache=tmp_path / "cache").prepare(lambda _: None)
    assert "cannot take part: kafka at 127.0.0.1:1" in str(Gathered.load(master.join.gathered))


def test_what_a_worker_says_moves_no_terminal(tmp_path: Path) -> None:
    master = Master(tmp_path)
    for _ in range(20):
        master.joins()
        master.ask("unable", {"why": "\x1b[2J gone"})
    told = Gathered.load(master.join.gathered).problems
    assert told == ("host-a cannot take part:  [2J gone",) * 8


def test_credentials_are_not_sent_to_whoever_joins(tmp_path: Path) -> None:
    secret = Security(protocol="sasl_tls", username="u")
    master = Master(tmp_path, replace(NOWHERE, security=secret))
    with pytest.raises(Refused, match="credentials"):
        master.joins()


def test_no_more_join_than_are_expected_and_who_left_makes_room(tmp_path: Path) -> None:
    master = Master(tmp_path)
    master.joins("a")
    with pytest.raises(Refused, match="no more are expected"):
        master.joins("b")
    master.present.remove("a")
    master.joins("b")


def test_nobody_joins_a_load_that_has_begun(tmp_path: Path) -> None:
    master = Master(tmp_path)
    master.join.start.touch()
    with pytest.raises(Refused, match="has begun"):
        master.joins()


@pytest.mark.parametrize("kind", ["chunk", "ready", "unable", "progress", "part", "delivered"])
def test_a_stranger_is_given_nothing_and_gives_nothing(tmp_path: Path, kind: str) -> None:
    with pytest.raises(Refused, match="not joined"):
        Master(tmp_path).ask(kind, {})


@pytest.mark.parametrize(
    "name",
    [
        "../worker-1-000000.parquet",
        "operations/../../worker-1-000000.parquet",
        "/tmp/worker-1-000000.parquet",
        "operations/worker-0-000000.parquet",
        "operations/worker-1-000000.parquet\n",
        "samples/worker-1-000000.parquet",
        "latency-worker-11.hlog",
        "run.json",
    ],
)
def test_a_worker_writes_no_file_but_its_own(tmp_path: Path, name: str) -> None:
    master = Master(tmp_path)
    master.joins()
    with pytest.raises(Refused, match="is no file that worker-1 writes"):
        master.part(name)
    assert not master.config.history.exists()


@pytest.mark.parametrize(
    "name", ["operations/worker-1-000007.parquet", "latency-worker-1.hlog", "clocks-worker-1.jsonl"]
)
def test_what_a_worker_recorded_is_kept_once(tmp_path: Path, name: str) -> None:
    master = Master(tmp_path)
    master.joins()
    master.part(name)
    assert (master.config.history / name).read_bytes() == b"x"
    with pytest.raises(Refused, match="there already"):
        master.part(name)


def test_a_record_that_is_not_what_was_said_is_refused(tmp_path: Path) -> None:
    master = Master(tmp_path)
    master.joins()
    with pytest.raises(Refused, match="SHA-256"):
        master.part("latency-worker-1.hlog", content=b"y")
    assert not list(master.config.history.iterdir())


def test_a_worker_is_done_when_its_records_are_here(tmp_path: Path) -> None:
    master = Master(tmp_path)
    clock = {"offset_ns": 7, "uncertainty_ns": 3, "drift_ns": -1, "shared_clock": False}
    master.joins()
    master.progress("sending")
    with pytest.raises(Refused, match="missing"):
        master.ask("delivered", clock)
    master.progress("done")
    master.part("latency-worker-1.hlog")
    assert progress_of(master).state == "flushing"
    master.ask("delivered", clock)
    assert progress_of(master).state == "done"
    (line,) = (master.config.history / "workers.jsonl").read_bytes().splitlines()
    assert orjson.loads(line) == {"worker": "worker-1", "host": "host-a", **clock}


@pytest.mark.parametrize(
    "wrong", [{"sent": -1}, {"behind_ms": float("nan")}, {"state": "over"}, {"workers": 0}]
)
def test_a_progress_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    master = Master(tmp_path)
    master.joins()
    with pytest.raises(Refused, match="progress: "):
        master.progress("sending", **wrong)
    assert not list(master.config.progress.iterdir())


def progress_of(master: Master) -> LoadProgress:
    return LoadProgress.read(progress_file(master.config.progress, "worker-1"))


def folder_of(parent: Path) -> Path:
    own = parent / "own"
    own.mkdir()
    return own
