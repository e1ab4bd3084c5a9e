"""The Kafka client of record batches: aiokafka's producer, idempotent, given batches as they are."""

from __future__ import annotations

from typing import Any, Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest

from harness.clients.kafka_connection import connection_settings
from harness.load.send.outcomes import DELIVERY_TIMEOUT_S
from harness.load.send.record_batches.request import JoinedProduceRequest
from pipeline.base.endpoints import KafkaEndpoint

_REQUEST_TIMEOUT_MS: Final = 5000
"""A paused broker does not answer; the request is then sent again, to the leader at that time."""
_MAX_REQUEST_BYTES: Final = 32 * 2**20
"""A request has at most one batch per partition."""
_BACKOFF_MS: Final = 50


class RecordBatchesProducer(AIOKafkaProducer):  # type: ignore[misc]
    """aiokafka's producer, accepting prepared batches and assembling the requests itself."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if settings["enable_idempotence"]:
            # How long a batch of a partition without a leader is kept; giving it up costs its sequence
            # number. The library has no setting for this and uses the request's time-out, which is short.
            self._message_accumulator._batch_ttl = DELIVERY_TIMEOUT_S
        # So that waiting for room in the queue can be blamed on the platform where the platform is the
        # reason.
        accumulator, drain = self._message_accumulator, self._message_accumulator.drain_by_nodes

        def drain_and_note(*args: Any, **options: Any) -> Any:
            drained = drain(*args, **options)
            for queue in accumulator._batches.values():
                for batch in queue:
                    batch._builder.pass_over()
            return drained

        accumulator.drain_by_nodes = drain_and_note
        # Only the way in which the library's own client writes a request is changed.
        send = self.client.send

        async def send_joined(node_id: int, request: Any, **options: Any) -> Any:
            joined = JoinedProduceRequest(request) if isinstance(request, ProduceRequest) else request
            return await send(node_id, joined, **options)

        self.client.send = send_joined


def record_batches_producer(
    kafka: KafkaEndpoint, *, name: str, acks: Literal["all", "1"]
) -> RecordBatchesProducer:
    """A producer that is not started yet.

    With acks=all it is idempotent: a batch is retried until it is stored, in order and once; without a known
    leader for a minute it fails. With acks=1 it is given up after the request's time-out, and its outcome is
    unknown.

    Raises InsecureOrIncomplete.
    """
    return RecordBatchesProducer(
        **connection_settings(kafka),
        client_id=name,
        acks="all" if acks == "all" else 1,
        enable_idempotence=acks == "all",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
        max_request_size=_MAX_REQUEST_BYTES,
        retry_backoff_ms=_BACKOFF_MS,
        metadata_max_age_ms=10_000,
    )
