"""What an error says about an event: refused, or unknown. Whoever sends, the same list of errors decides."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import errors
from confluent_kafka import KafkaError

from harness.load.send.outcomes import REFUSALS, Failure, failure_of
from harness.load.send.record_batches.completion import outcome_of


def failed(code: int) -> Failure:
    error = KafkaError(code)
    return failure_of(error.code(), error.name())


@pytest.mark.parametrize("code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_what_every_attempt_would_meet_is_a_refusal(code: int) -> None:
    assert failed(code).outcome == "fail"


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._MSG_TIMED_OUT,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ],
)
def test_what_an_earlier_attempt_may_have_survived_is_unknown(code: int) -> None:
    assert failed(code).outcome == "unknown"


def test_both_clients_errors_are_judged_by_the_same_codes() -> None:
    answers = {kind.errno: kind for kind in vars(errors).values() if _is_answer(kind)}
    loop = asyncio.new_event_loop()
    for code, kind in answers.items():
        done = loop.create_future()
        done.set_exception(kind())
        assert outcome_of(done)[0] == failed(code).outcome, kind
    loop.close()


def test_an_error_that_a_client_tries_again_after_is_no_refusal() -> None:
    retriable = [kind for kind in vars(errors).values() if _is_answer(kind) and kind.retriable]
    assert len(retriable) > 5
    assert not {kind.errno for kind in retriable} & REFUSALS


def _is_answer(kind: object) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, errors.BrokerResponseError)
        and getattr(kind, "errno", 0) > 0
    )
