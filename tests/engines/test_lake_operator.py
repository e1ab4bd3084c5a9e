"""`floodmark lake` as an operator gives it: nothing was deployed yet, and then a day is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Producer

from harness.base.waiting import wait_until
from harness.cli.main import invoke
from harness.scenario.topology import RoleSpec
from pipeline.base.endpoints import Endpoints
from pipeline.contract.topics import EVENTS
from pipeline.lake.lease import lease
from pipeline.lake.objects import Objects
from tests.engines.kafka_platform import MIB, one_broker, platform_of
from tests.engines.lake_parts import REFERENCES
from tests.engines.pipeline_parts import event

YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
DAY = str(YESTERDAY.date())
# As at a terminal: what a script starts in the background ignores SIGINT, and so would all that it starts.
COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from harness.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a platform on which nothing was deployed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("platform")
        patch.setenv("FLOODMARK_STATE", str(folder / "state"))
        store = {"node": RoleSpec(count=1, memory=128 * MIB)}
        with platform_of(folder, kafka=one_broker(), object_store=store, spark={}) as platform:
            platform.endpoints.save(folder / "endpoints.json")
            yield folder / "endpoints.json"


@pytest.fixture(scope="module")
def deployed(endpoints: Path) -> Path:
    """The same once a day of events is on it. Deploying may be repeated."""
    for _ in range(2):
        assert invoke(["lake", "deploy", "--endpoints", str(endpoints)]) == 0
    produce(Endpoints.load(endpoints))
    return endpoints


def produce(endpoints: Endpoints) -> None:
    """A day that keeps its gates."""
    for key, snapshot in REFERENCES.items():
        Objects(endpoints.object_store).put(key, snapshot)
    producer = Producer({"bootstrap.servers": endpoints.kafka.bootstrap})
    for number in range(1000):
        moment_ms = round((YESTERDAY + timedelta(seconds=86 * number)).timestamp() * 1000)
        value = event(f"e{number}", reference_id="N1", value=number / 10, quantity=1)
        producer.produce(EVENTS, value, key=b"k", timestamp=moment_ms)
    assert producer.flush(60) == 0


def left_of(session: int) -> list[int]:
    """The processes of a session that there are."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError):  # it ended just now
            if os.getsid(pid) == session:
                found.append(pid)
    return found


def interrupted(endpoints: Path, *, when: str) -> tuple[int, str]:
    """Carry the day out, and interrupt it as Ctrl-C does once it says this: exit code, and what it said."""
    command = [sys.executable, "-c", COMMAND, "lake", "run", "--date", DAY, "--endpoints", str(endpoints)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stderr is not None
        said: list[str] = []
        for line in running.stderr:
            said.append(line)
            if when in line:
                os.killpg(running.pid, signal.SIGINT)
        running.wait()
    # What has ended is still listed until whoever inherited it has looked.
    wait_until(lambda: not left_of(running.pid), timeout_s=10, what="every process of it to be gone")
    return running.returncode, "".join(said)


def test_what_was_not_deployed_is_told_before_spark_starts(
    endpoints: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["lake", "run", "--date", DAY, "--endpoints", str(endpoints)]) == 4
    said = capfd.readouterr().err
    told = ("has no topic events", "has no bucket lake", "`floodmark lake deploy` creates what is missing")
    assert ([text for text in told if text not in said], "Spark ready" in said) == ([], False)


def test_a_day_without_events_is_refused_with_those_that_have_any(
    deployed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["lake", "run", "--date", "2020-01-01", "--endpoints", str(deployed)]) == 2
    said = capfd.readouterr().err
    assert [text for text in ("2020-01-01", DAY, "--date") if text not in said] == []


def test_a_table_that_another_writer_holds_is_left_to_it(
    deployed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    objects = Objects(Endpoints.load(deployed).object_store)
    with lease(objects, "bronze/events", holder="the other writer"):
        assert invoke(["lake", "run", "--date", DAY, "--endpoints", str(deployed)]) == 3
    said = capfd.readouterr().err
    assert [text for text in ("bronze/events", "the other writer") if text not in said] == []
    assert not list(objects.list("bronze/"))


def test_a_day_that_is_interrupted_can_be_carried_out_again(deployed: Path) -> None:
    code, said = interrupted(deployed, when=f"silver of {DAY} begins")
    assert (code, "Traceback" in said) == (130, False), said
    assert "interrupted: completed work is kept, and the same command can be run again" in said
    assert invoke(["lake", "run", "--date", DAY, "--endpoints", str(deployed)]) == 0
