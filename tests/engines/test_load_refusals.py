"""What a load cannot be sent to is named before anything is sent, whichever path sends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from harness.backends.platform import SupervisedPlatform
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.workers.source import EventsSource
from harness.services.kafka import CLIENT_PORT, CONTROLLER_PORT, Kafka
from harness.services.protocol import Cluster, Launch, Node
from harness.services.templates import properties
from pipeline.base.endpoints import Endpoints, KafkaEndpoint, SaslMechanism, Security
from tests.core.events_parts import plan_row
from tests.engines.kafka_platform import configure, load_of, make_topic
from tests.engines.record_batches_parts import (
    BATCH_EVENTS,
    record_batches_config,
    record_batches_load,
    write_trace,
)
from tests.engines.service_platform import running

PARTITIONS = 6
SASL_PORT = 9095
USER = "mara"
PASSWORD = "the-right-one"  # noqa: S105
WRONG = "not-the-right-one"
MECHANISMS: tuple[SaslMechanism, ...] = ("PLAIN", "SCRAM-SHA-512")
PATHS = ("events", "record_batches")
_MODULES = "org.apache.kafka.common.security"


class SaslKafka(Kafka):
    """A broker with one listener more, which asks for a password."""

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """As any broker, but for the listener."""
        launch, path = super().launch(node, cluster, endpoints), node.conf_dir / "server.properties"
        text = launch.files[path]
        assert isinstance(text, str)
        return replace(launch, files={**launch.files, path: properties(text, _listeners(node.address))})


def _listeners(address: str) -> dict[str, str]:
    plaintext, sasl = f"PLAINTEXT://{address}:{CLIENT_PORT}", f"SASL://{address}:{SASL_PORT}"
    plain = f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    return {
        "listeners": f"{plaintext},{sasl},CONTROLLER://{address}:{CONTROLLER_PORT}",
        "advertised.listeners": f"{plaintext},{sasl}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT",
        "listener.name.sasl.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "listener.name.sasl.plain.sasl.jaas.config": plain,
        "listener.name.sasl.scram-sha-512.sasl.jaas.config": f"{_MODULES}.scram.ScramLoginModule required;",
    }


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedPlatform]:
    folder, services = tmp_path_factory.mktemp("kafka"), {"kafka": SaslKafka()}
    for platform in running(folder, "kafka", {"broker": (1, 256)}, services):
        kafka = platform.endpoints.kafka
        make_topic(kafka, "events", PARTITIONS)
        make_topic(kafka, "few", 3)
        make_topic(kafka, "small", PARTITIONS, max_message_bytes="5000")
        _add_user(kafka)
        yield platform


def _add_user(kafka: KafkaEndpoint) -> None:
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    user = UserScramCredentialUpsertion(USER, credential, PASSWORD.encode())
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.alter_user_scram_credentials([user])[USER].result(30)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trace(tmp_path_factory.mktemp("trace") / "t.batches", partitions=PARTITIONS, batches=6)


def secured(kafka: KafkaEndpoint, mechanism: SaslMechanism, password: str) -> KafkaEndpoint:
    host = kafka.bootstrap_servers[0].partition(":")[0]
    security = Security(protocol="sasl_plaintext", mechanism=mechanism, username=USER, password=password)
    return replace(kafka, bootstrap_servers=(f"{host}:{SASL_PORT}",), security=security)


def sent(
    path: str,
    folder: Path,
    platform: SupervisedPlatform,
    *,
    trace: Path,
    kafka: KafkaEndpoint | None = None,
    topic: str = "events",
) -> tuple[int, str]:
    """Exit code and log of a load on this path."""
    kafka = kafka or platform.endpoints.kafka
    if path == "record_batches":
        return _sent_as_record_batches(folder, kafka, trace, topic)
    return _sent_as_events(folder, platform, kafka, topic)


def _sent_as_record_batches(folder: Path, kafka: KafkaEndpoint, trace: Path, topic: str) -> tuple[int, str]:
    config = record_batches_config(folder / "load", kafka, topic, trace, events=6 * BATCH_EVENTS)
    with record_batches_load(config) as load:
        return load.wait(), load.log()


def _sent_as_events(
    folder: Path, platform: SupervisedPlatform, kafka: KafkaEndpoint, topic: str
) -> tuple[int, str]:
    config = configure(folder, platform, [plan_row(seq) for seq in range(100)], topic)
    Endpoints((kafka,)).save(config.endpoints)
    planned = EventsSource(plan=config.history / "plan.parquet", largest_event_bytes=6000)
    with load_of(config.model_copy(update={"source": planned})) as load:
        return load.wait(), load.log()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_named_and_not_shown(
    platform: SupervisedPlatform, trace: Path, tmp_path: Path, path: str, mechanism: SaslMechanism
) -> None:
    kafka = secured(platform.endpoints.kafka, mechanism, WRONG)
    code, log = sent(path, tmp_path, platform, kafka=kafka, trace=trace)
    assert code == 1
    assert f"kafka refused the password of user {USER} (SASL {mechanism}) at {kafka.bootstrap}" in log
    assert WRONG not in log


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_right_password_lets_a_load_in(
    platform: SupervisedPlatform, trace: Path, tmp_path: Path, path: str, mechanism: SaslMechanism
) -> None:
    kafka = secured(platform.endpoints.kafka, mechanism, PASSWORD)
    code, log = sent(path, tmp_path, platform, kafka=kafka, trace=trace)
    assert code == 0, log
    assert PASSWORD not in log
    assert list(tmp_path.glob("**/operations/*.parquet"))


@pytest.mark.parametrize("path", PATHS)
def test_a_topic_that_is_not_there_is_named_with_those_that_are(
    platform: SupervisedPlatform, trace: Path, tmp_path: Path, path: str
) -> None:
    code, log = sent(path, tmp_path, platform, trace=trace, topic="nowhere")
    assert code == 1
    assert "topic nowhere does not exist; existing topics: events, few" in log


def test_partitions_for_which_a_trace_was_not_encoded_are_named(
    platform: SupervisedPlatform, trace: Path, tmp_path: Path
) -> None:
    code, log = sent("record_batches", tmp_path, platform, trace=trace, topic="few")
    assert code == 1
    assert f"topic few has 3 partitions, but the trace {trace} was encoded for 6" in log


@pytest.mark.parametrize("path", PATHS)
def test_what_is_wider_than_the_topic_takes_is_named(
    platform: SupervisedPlatform, trace: Path, tmp_path: Path, path: str
) -> None:
    code, log = sent(path, tmp_path, platform, trace=trace, topic="small")
    assert code == 1
    assert "topic small accepts batches of at most 5,000 bytes (max.message.bytes)" in log
    assert not list(tmp_path.glob("**/operations/*.parquet"))


def test_a_batch_that_was_damaged_on_disk_is_named_with_its_file(
    platform: SupervisedPlatform, tmp_path: Path
) -> None:
    damaged = write_trace(tmp_path / "d.batches", partitions=PARTITIONS, batches=6)
    first = EncodedTrace.open(damaged).lanes[0][0]
    content = bytearray(damaged.read_bytes())
    content[first.position + first.batch.size_bytes - 1] ^= 1
    damaged.write_bytes(content)
    _, log = sent("record_batches", tmp_path, platform, trace=damaged)
    assert f"{damaged}: the batch of event 0 was refused by kafka as damaged" in log
