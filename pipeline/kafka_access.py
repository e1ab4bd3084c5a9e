"""What every Kafka client of librdkafka is configured with, and a connection that says why it is refused."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from pipeline.endpoints import KafkaEndpoint
from pipeline.errors import AccessRefused, NotReady
from pipeline.security import librdkafka_settings, require_usable

_ATTEMPT_S: Final = 2.0
"""librdkafka goes on trying although it was refused, and says so only when it is asked."""


def client_config(endpoint: KafkaEndpoint) -> dict[str, Any]:
    """The configuration that librdkafka's clients share. Raises InsecureOrIncomplete."""
    require_usable(endpoint)
    return {"bootstrap.servers": endpoint.bootstrap, **librdkafka_settings(endpoint.security)}


class KafkaAccess:
    """An administrator's connection."""

    def __init__(self, endpoint: KafkaEndpoint) -> None:
        self._endpoint = endpoint
        self._refusal = self._trouble = ""
        settings = client_config(endpoint)
        # What it would log again and again is said once, by what is raised.
        settings |= {"error_cb": self._heard, "log_level": 0}
        self.admin = AdminClient(settings)

    def metadata(self) -> ClusterMetadata:
        """Every topic and broker. Raises AccessRefused, and NotReady when nobody answers in two seconds."""
        try:
            return self.admin.list_topics(timeout=_ATTEMPT_S)
        except KafkaException as error:
            self.admin.poll(0)
            if self._refusal:
                raise AccessRefused(self._refusal) from error
            said = self._trouble or error.args[0].str()
            raise NotReady(f"kafka at {self._endpoint.bootstrap} does not answer: {said}") from error

    def _heard(self, error: KafkaError) -> None:
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
                # What was wrong with each of them says more than that all are.
                self._trouble = error.str()
