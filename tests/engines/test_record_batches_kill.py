"""Brokers die or pause under whole batches: nothing acknowledged is lost, nothing is doubled.

Three seeds here; ``SEEDS=20 pytest tests/engines/test_record_batches_kill.py`` for all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from harness.backends.platform import SupervisedPlatform
from harness.judge.measure.measurement import Count
from harness.load.send.record_batches.config import RecordBatchesConfig, SendingConfig
from harness.load.send.record_batches.schedule import LoadSchedule
from harness.scenario.profiles.constant import Constant
from pipeline.base.kafka import Topics
from pipeline.base.options import TopicOptions
from tests.engines.record_batches_parts import (
    BATCH_EVENTS,
    computed_config,
    measured,
    record_batches_config,
    record_batches_load,
    write_trace,
)
from tests.engines.service_platform import running, state_of

SEEDS = int(os.environ.get("SEEDS", "3"))
SHARE_OF_MAXIMUM = 0.7
LOAD_S = 6.0
MEASURING_EVENTS = 2_000_000
COMPUTED_PER_S = 150_000.0
PARTITIONS = 6


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedPlatform]:
    yield from running(tmp_path_factory.mktemp("kafka"), "kafka", {"broker": (3, 384)})


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trace(tmp_path_factory.mktemp("trace") / "t.batches", partitions=PARTITIONS, batches=24)


@pytest.fixture(scope="module")
def maximum_per_s(
    platform: SupervisedPlatform, trace: Path, tmp_path_factory: pytest.TempPathFactory
) -> float:
    """What this machine takes, now."""
    folder = tmp_path_factory.mktemp("maximum") / "load"
    config = configured(platform, folder, "maximum", trace, events=MEASURING_EVENTS)
    with record_batches_load(config) as load:
        assert load.wait() == 0, load.log()
    with duckdb.connect() as database:
        ((rate,),) = database.execute(
            "SELECT sum(count) / (max(completed_ns) - min(started_ns)) * 1e9 FROM read_parquet($parts)",
            {"parts": f"{folder}/operations/*.parquet"},
        ).fetchall()
    return float(rate)


def configured(
    platform: SupervisedPlatform, folder: Path, topic: str, trace: Path, *, events: int
) -> RecordBatchesConfig:
    Topics(platform.endpoints.kafka).create([topic], TopicOptions(partitions=PARTITIONS))
    return record_batches_config(folder, platform.endpoints.kafka, topic, trace, events=events)


def assert_nothing_wrong(config: SendingConfig, platform: SupervisedPlatform) -> None:
    for name, found in measured(config, platform.endpoints.kafka).items():
        assert isinstance(found, Count), (name, found)
        assert found.value == 0, (name, found)
    # The batch that holds the last event is sent whole.
    assert 0 <= acknowledged(config.history) - config.events < BATCH_EVENTS


def acknowledged(history: Path) -> int:
    with duckdb.connect() as database:
        ((events,),) = database.execute(
            "SELECT sum(count)::BIGINT FROM read_parquet($parts) WHERE outcome = 'ok'",
            {"parts": f"{history}/operations/*.parquet"},
        ).fetchall()
    return int(events)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_broker_killed_under_load_costs_no_event_and_doubles_none(
    platform: SupervisedPlatform, trace: Path, maximum_per_s: float, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    rate_per_s = SHARE_OF_MAXIMUM * maximum_per_s
    events = round(rate_per_s * LOAD_S)
    broker = f"kafka-broker-{chance.randint(1, 3)}"
    config = configured(platform, tmp_path / "load", f"seed-{seed}", trace, events=events)
    schedule = LoadSchedule(profile=Constant(rate=rate_per_s), duration_s=LOAD_S)
    with record_batches_load(config.model_copy(update={"schedule": schedule})) as load:
        load.wait_until_sent(round(events * chance.uniform(0.1, 0.6)))
        platform.signal(broker, "kill")
        platform.start(broker)
        assert load.wait() == 0, load.log()
    assert state_of(platform, broker) == "ready"
    assert_nothing_wrong(config, platform)


def test_replicas_that_are_too_few_for_a_while_cost_no_event_and_double_none(
    platform: SupervisedPlatform, trace: Path, maximum_per_s: float, tmp_path: Path
) -> None:
    events = round(SHARE_OF_MAXIMUM * maximum_per_s * LOAD_S)
    config = configured(platform, tmp_path / "load", "too-few", trace, events=events)
    with record_batches_load(config) as load:
        load.wait_until_sent(events // 4)
        for broker in ("kafka-broker-2", "kafka-broker-3"):
            platform.signal(broker, "pause")
        load.wait_until_stalled()
        for broker in ("kafka-broker-2", "kafka-broker-3"):
            platform.signal(broker, "resume")
        assert load.wait() == 0, load.log()
    assert_nothing_wrong(config, platform)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_broker_killed_under_a_computed_load_costs_no_event_and_doubles_none(
    platform: SupervisedPlatform, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    events, topic = round(COMPUTED_PER_S * LOAD_S), f"computed-{seed}"
    broker = f"kafka-broker-{chance.randint(1, 3)}"
    kafka = platform.endpoints.kafka
    Topics(kafka).create([topic], TopicOptions(partitions=PARTITIONS))
    config = computed_config(tmp_path / "load", kafka, topic, events=events)
    schedule = LoadSchedule(profile=Constant(rate=COMPUTED_PER_S), duration_s=LOAD_S)
    with record_batches_load(config.model_copy(update={"schedule": schedule})) as load:
        load.wait_until_sent(round(events * chance.uniform(0.1, 0.6)))
        platform.signal(broker, "kill")
        platform.start(broker)
        assert load.wait() == 0, load.log()
    assert state_of(platform, broker) == "ready"
    assert_nothing_wrong(config, platform)
