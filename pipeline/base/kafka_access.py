"""The shared configuration of librdkafka's clients, and an admin connection that reports refusals."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import AccessRefused, NotReady
from pipeline.base.security import librdkafka_settings, require_usable

_ATTEMPT_S: Final = 2.0
"""librdkafka keeps retrying after a refusal, and reports it only through its error callback."""


def client_config(endpoint: KafkaEndpoint) -> dict[str, Any]:
    """Return the configuration that all librdkafka clients share. Raises InsecureOrIncomplete."""
    require_usable(endpoint)
    return {"bootstrap.servers": endpoint.bootstrap, **librdkafka_settings(endpoint.security)}


class KafkaAccess:
    """An admin connection to Kafka."""

    def __init__(self, endpoint: KafkaEndpoint) -> None:
        self._endpoint = endpoint
        self._refusal = self._problem = ""
        settings = client_config(endpoint)
        # The raised error reports once what librdkafka would log over and over.
        settings |= {"error_cb": self._on_error, "log_level": 0}
        self.admin = AdminClient(settings)

    def metadata(self) -> ClusterMetadata:
        """Return topics and brokers. Raises AccessRefused, or NotReady if none answers in two seconds."""
        try:
            return self.admin.list_topics(timeout=_ATTEMPT_S)
        except KafkaException as error:
            self.admin.poll(0)
            if self._refusal:
                raise AccessRefused(self._refusal) from error
            message = self._problem or error.args[0].str()
            raise NotReady(f"kafka at {self._endpoint.bootstrap} does not answer: {message}") from error

    def _on_error(self, error: KafkaError) -> None:
        security, bootstrap = self._endpoint.security, self._endpoint.bootstrap
        match error.code():
            case KafkaError._AUTHENTICATION:
                self._refusal = (
                    f"kafka refused the password of user {security.username} (SASL {security.mechanism})"
                    f" at {bootstrap}: {error.str()}"
                )
            case KafkaError._SSL:
                self._refusal = f"no TLS connection to kafka at {bootstrap}: {error.str()}"
            case code if code != KafkaError._ALL_BROKERS_DOWN:
                # The error of a single broker says more than "all brokers are down".
                self._problem = error.str()
