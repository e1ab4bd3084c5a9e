"""What a load is sent to is looked at before anything is sent, whichever path sends it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.base.errors import PlatformError
from harness.load import target
from harness.load.send.computed.__main__ import main as computed_main
from harness.load.send.computed.config import ComputedConfig, FromLines
from harness.load.send.record_batches.__main__ import main
from harness.load.send.record_batches.config import RecordBatchesConfig
from harness.load.send.record_batches.trace import index_of
from harness.load.send.record_batches.trace_build import Encoding, trace_file
from harness.load.target import Needs, check_target
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from tests.core.events_parts import plan_file, plan_row, write_plan
from tests.core.locust_parts import PARTITIONS, configure, load_of, mock_kafka
from tests.core.sasl_broker import refusing_broker

PASSWORD = "s3cret"  # noqa: S105


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaEndpoint]:
    with mock_kafka() as endpoint:
        yield endpoint


def refusal(kafka: KafkaEndpoint, topic: str, **needs: int) -> str:
    with pytest.raises(PlatformError) as refused:
        check_target(kafka, topic, Needs(**needs))
    return str(refused.value)


def encoded(folder: Path, partitions: int = PARTITIONS) -> Path:
    plan = write_plan(folder / "source.parquet", [plan_row(seq) for seq in range(50)])
    return trace_file(
        plan_file(plan, 50), Encoding(partitions=partitions), cache=folder, report=lambda _: None
    )


def record_batches_refusal(
    folder: Path, kafka: KafkaEndpoint, caplog: pytest.LogCaptureFixture, trace: Path, topic: str = "events"
) -> str:
    """What the process that sends record batches logs when it cannot begin."""
    told = configure(folder, kafka, [plan_row(0)])
    config = RecordBatchesConfig(
        endpoints=told.endpoints,
        topic=topic,
        trace=trace,
        history=told.history,
        progress=told.progress,
        clocks=told.clocks,
        events=50,
    )
    config.save(folder / "record_batches.json")
    with caplog.at_level(logging.ERROR):
        assert main(["--config", str(folder / "record_batches.json")]) == 1
    assert not list(told.history.glob("**/*.parquet"))
    return caplog.messages[-1]


def test_a_topic_that_takes_the_load_is_let_pass(kafka: KafkaEndpoint) -> None:
    check_target(kafka, "events", Needs(partitions=PARTITIONS, largest_bytes=1000))


def test_a_topic_that_is_not_there_is_named_with_those_that_are(kafka: KafkaEndpoint) -> None:
    assert refusal(kafka, "evnets") == "topic evnets does not exist; existing topics: events"


def test_partitions_that_the_batches_were_not_made_for_are_refused(kafka: KafkaEndpoint) -> None:
    found = refusal(kafka, "events", partitions=6)
    assert found == "topic events has 4 partitions, but the trace was encoded for 6"


def test_a_batch_that_the_topic_does_not_take_is_refused(
    kafka: KafkaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The brokers that librdkafka plays do not describe their settings.
    monkeypatch.setattr(target, "_max_message_bytes", lambda *_: 5000)
    check_target(kafka, "events", Needs(largest_bytes=5000))
    assert "accepts batches of at most 5,000 bytes" in refusal(kafka, "events", largest_bytes=5001)


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_TIMEOUT_S", 0.1)
    nobody = KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",))
    assert "kafka at 127.0.0.1:1" in refusal(nobody, "events")


def test_a_wrong_password_is_told_before_record_batches_are_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_broker(PASSWORD) as refusing:
        said = record_batches_refusal(tmp_path, refusing, caplog, encoded(tmp_path))
    assert said.startswith("cannot begin: kafka refused the password of user mara (SASL PLAIN)")
    assert PASSWORD not in caplog.text


def test_a_missing_topic_is_told_before_record_batches_are_sent(
    tmp_path: Path, kafka: KafkaEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    said = record_batches_refusal(tmp_path, kafka, caplog, encoded(tmp_path), topic="evnets")
    assert said == "cannot begin: topic evnets does not exist; existing topics: events"


def test_a_trace_for_other_partitions_is_told_with_its_file(
    tmp_path: Path, kafka: KafkaEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    trace = encoded(tmp_path, partitions=6)
    said = record_batches_refusal(tmp_path, kafka, caplog, trace)
    assert said == f"cannot begin: topic events has 4 partitions, but the trace {trace} was encoded for 6"


def test_an_encoded_trace_without_its_index_is_told(
    tmp_path: Path, kafka: KafkaEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    trace = encoded(tmp_path)
    index_of(trace).write_bytes(b"PAR1")
    assert f"{index_of(trace)} is no index" in record_batches_refusal(tmp_path, kafka, caplog, trace)


def test_a_wrong_password_is_told_before_a_computed_load(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_broker(PASSWORD) as refusing:
        told = configure(tmp_path, refusing, [plan_row(0)])
        config = ComputedConfig(
            endpoints=told.endpoints,
            topic="events",
            source=FromLines(path=tmp_path / "lines", span_ms=1),
            history=told.history,
            progress=told.progress,
            clocks=told.clocks,
            events=1,
        )
        config.save(tmp_path / "computed.json")
        assert computed_main(["--config", str(tmp_path / "computed.json")]) == 1
    assert "cannot begin: kafka refused the password of user mara" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_wrong_password_ends_locust_with_its_reason(tmp_path: Path) -> None:
    with refusing_broker(PASSWORD) as refusing:
        config = configure(tmp_path, refusing, [plan_row(0)])
        with load_of(config, tmp_path, processes=1) as load:
            assert load.wait(30) == 1
    log = (tmp_path / "load.log").read_text()
    assert "the load cannot start: kafka refused the password of user mara" in log
    assert PASSWORD not in log
    assert "Traceback" not in log


def test_endpoints_of_the_load_keep_their_security(tmp_path: Path, kafka: KafkaEndpoint) -> None:
    secure = replace(kafka, security=replace(kafka.security, protocol="sasl_tls", mechanism="PLAIN"))
    Endpoints((secure,)).save(tmp_path / "endpoints.json")
    assert Endpoints.load(tmp_path / "endpoints.json").kafka == secure
