"""The Kafka client of a replay at wire speed: aiokafka's producer, idempotent, given batches as they are."""

from __future__ import annotations

from typing import Any, Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest

from harness.clients.kafka_connection import connection_settings
from harness.load.send.record_batches.request import JoinedProduceRequest
from harness.load.timeouts import DELIVERY_TIMEOUT_S
from pipeline.endpoints import KafkaEndpoint

_REQUEST_TIMEOUT_MS: Final = 5000
"""A paused broker answers nothing, and the request is sent again, to whoever leads by then."""
_MAX_REQUEST_BYTES: Final = 32 * 2**20
"""A request has at most one batch a partition."""
_BACKOFF_MS: Final = 50


class WireProducer(AIOKafkaProducer):  # type: ignore[misc]
    """aiokafka's producer, which takes batches that are prepared and puts requests together itself."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if settings["enable_idempotence"]:
            # So long a batch of a partition without a leader is kept; what is given up has cost its sequence
            # number. The library has no setting for it: it takes the request's time-out, which is short.
            self._message_accumulator._batch_ttl = DELIVERY_TIMEOUT_S
        # Whoever waits for room in the queue learns so whether the platform is why.
        accumulator, drain = self._message_accumulator, self._message_accumulator.drain_by_nodes

        def drain_and_tell(*told: Any, **options: Any) -> Any:
            drained = drain(*told, **options)
            for queue in accumulator._batches.values():
                for batch in queue:
                    batch._builder.pass_over()
            return drained

        accumulator.drain_by_nodes = drain_and_tell
        # The client is the one that the library made; all that is added is how it writes a request.
        send = self.client.send

        async def send_joined(node_id: int, request: Any, **options: Any) -> Any:
            joined = JoinedProduceRequest(request) if isinstance(request, ProduceRequest) else request
            return await send(node_id, joined, **options)

        self.client.send = send_joined


def wire_producer(kafka: KafkaEndpoint, *, name: str, acks: Literal["all", "1"]) -> WireProducer:
    """A producer that is not started yet.

    With acks=all it is idempotent: a batch is retried until it is taken, in order, and taken once; where no
    leader is known for a minute it fails. With acks=1 it is given up after the request's time-out, and its
    outcome is unknown.

    Raises InsecureOrIncomplete.
    """
    return WireProducer(
        **connection_settings(kafka),
        client_id=name,
        acks="all" if acks == "all" else 1,
        enable_idempotence=acks == "all",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
        max_request_size=_MAX_REQUEST_BYTES,
        retry_backoff_ms=_BACKOFF_MS,
        metadata_max_age_ms=10_000,
    )
