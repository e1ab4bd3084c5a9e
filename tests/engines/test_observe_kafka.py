"""What is seen of Kafka from outside: lags without transaction markers, and topics read to their end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from harness.backends.protocol import Platform
from harness.base.waiting import wait_until
from harness.observe.platform.offsets import Offsets, OffsetsUnknown
from harness.observe.readback.topic_reader import TopicReader
from pipeline.base.endpoints import KafkaEndpoint
from tests.engines.kafka_platform import make_topic, one_broker, platform_of, records


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform_of(tmp_path_factory.mktemp("platform"), kafka=one_broker()) as running:
        yield running


@pytest.fixture
def kafka(platform: Platform) -> KafkaEndpoint:
    return platform.endpoints.kafka


@pytest.fixture
def topic(kafka: KafkaEndpoint, request: pytest.FixtureRequest) -> str:
    return make_topic(kafka, f"t{abs(hash(request.node.name))}", partitions=2)


@pytest.fixture
def offsets(kafka: KafkaEndpoint) -> Iterator[Offsets]:
    asked = Offsets(kafka, timeout_s=10.0)
    yield asked
    asked.close()


def transactional(kafka: KafkaEndpoint, name: str) -> Producer:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": name})
    producer.init_transactions(30)
    return producer


def write(producer: Producer, topic: str, *values: str, commit: bool = True) -> None:
    """One transaction on partition 0."""
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def await_visible(offsets: Offsets, group: str, topic: str) -> None:
    """A transaction is visible a moment after its commit was answered."""
    wait_until(
        lambda: offsets.lag(group, [topic]).events[topic] > 1, timeout_s=10, what="the commit to be visible"
    )


def commit(kafka: KafkaEndpoint, topic: str, offset: int) -> None:
    """What a group that has read up to the offset of partition 0 commits."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def test_a_group_that_has_read_everything_has_no_lag_but_for_the_marker(
    kafka: KafkaEndpoint, topic: str, offsets: Offsets
) -> None:
    write(transactional(kafka, topic), topic, "a", "b")
    await_visible(offsets, "nobody", topic)
    commit(kafka, topic, 2)
    lag = offsets.lag(topic, [topic])
    assert lag.events == {topic: 1}
    assert offsets.exact(lag).events == {topic: 0}


def test_a_record_that_was_not_read_is_no_marker(kafka: KafkaEndpoint, topic: str, offsets: Offsets) -> None:
    producer = transactional(kafka, topic)
    write(producer, topic, "a", "b")
    await_visible(offsets, "nobody", topic)
    commit(kafka, topic, 1)
    assert offsets.exact(offsets.lag(topic, [topic])).events == {topic: 2}


def test_an_aborted_transaction_is_nothing_to_read(
    kafka: KafkaEndpoint, topic: str, offsets: Offsets
) -> None:
    producer = transactional(kafka, topic)
    write(producer, topic, "a")
    write(producer, topic, "b", commit=False)
    commit(kafka, topic, 1)
    assert offsets.exact(offsets.lag(topic, [topic])).events == {topic: 0}


def test_a_gap_is_looked_into_again_when_it_has_grown(
    kafka: KafkaEndpoint, topic: str, offsets: Offsets
) -> None:
    producer = transactional(kafka, topic)
    write(producer, topic, "a")
    commit(kafka, topic, 1)
    before = offsets.exact(offsets.lag(topic, [topic])).events
    write(producer, topic, "b")
    await_visible(offsets, topic, topic)
    after = offsets.exact(offsets.lag(topic, [topic])).events
    assert (before[topic], after[topic]) == (0, 3)


def test_a_group_that_committed_nothing_has_everything_before_it(
    kafka: KafkaEndpoint, topic: str, offsets: Offsets
) -> None:
    write(transactional(kafka, topic), topic, "a", "b")
    await_visible(offsets, "nobody", topic)
    assert offsets.lag("nobody", [topic]).events == {topic: 3}


def test_an_open_transaction_is_written_but_not_at_the_end(
    kafka: KafkaEndpoint, topic: str, offsets: Offsets
) -> None:
    producer = transactional(kafka, topic)
    producer.begin_transaction()
    producer.produce(topic, "a", partition=0)
    producer.flush(30)
    partitions = offsets.partitions([topic])
    assert offsets.written(partitions)[topic, 0] == 1
    assert offsets.end(partitions)[topic, 0] == 0
    producer.abort_transaction(30)


def test_a_paused_broker_is_told_and_not_waited_for(platform: Platform, topic: str) -> None:
    offsets = Offsets(platform.endpoints.kafka, timeout_s=0.5)
    wait_until(
        lambda: offsets.lag("nobody", [topic]),
        timeout_s=10,
        what="the group's coordinator to be found",
        transient=(OffsetsUnknown,),
    )
    platform.signal("kafka-broker-1", "pause")
    try:
        with pytest.raises(OffsetsUnknown):
            offsets.lag("nobody", [topic])
    finally:
        platform.signal("kafka-broker-1", "resume")
        offsets.close()


def test_a_topic_is_read_to_its_end_without_what_was_aborted(kafka: KafkaEndpoint, topic: str) -> None:
    producer = transactional(kafka, topic)
    for value in range(5):
        write(producer, topic, f"kept {value}")
        write(producer, topic, f"aborted {value}", commit=False)
    assert [m.value() for m in records(kafka, topic)] == [b"kept %d" % value for value in range(5)]


def test_an_empty_topic_has_nothing_to_read(kafka: KafkaEndpoint, topic: str) -> None:
    assert records(kafka, topic) == []


def test_what_is_written_after_the_read_back_began_is_not_part_of_it(
    kafka: KafkaEndpoint, topic: str
) -> None:
    producer = transactional(kafka, topic)
    write(producer, topic, "before")
    with TopicReader(kafka) as reader:
        spans = reader.spans(topic)
        write(producer, topic, "after")
        read = [message.value() for chunk in reader.read(spans) for message in chunk]
    assert read == [b"before"]


def test_topics_are_read_one_after_the_other(kafka: KafkaEndpoint, topic: str) -> None:
    other = make_topic(kafka, f"{topic}-other")
    producer = transactional(kafka, topic)
    write(producer, topic, "a")
    write(producer, other, "b", "c")
    with TopicReader(kafka) as reader:
        read = [
            [message.value() for chunk in reader.read(reader.spans(name)) for message in chunk]
            for name in (topic, other)
        ]
    assert read == [[b"a"], [b"b", b"c"]]
