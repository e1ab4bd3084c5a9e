"""What an error says about an event: refused, or unknown."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from harness.load.live.outcome import failure_of


@pytest.mark.parametrize("code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_what_every_attempt_would_meet_is_a_refusal(code: int) -> None:
    assert failure_of(KafkaError(code)).outcome == "fail"


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._MSG_TIMED_OUT,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ],
)
def test_what_an_earlier_attempt_may_have_survived_is_unknown(code: int) -> None:
    assert failure_of(KafkaError(code)).outcome == "unknown"
