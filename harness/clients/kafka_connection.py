"""Connection and authentication settings for aiokafka's clients."""

from __future__ import annotations

from typing import Any

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.security import KAFKA_PROTOCOLS, require_usable, tls_context, uses_sasl


def connection_settings(kafka: KafkaEndpoint) -> dict[str, Any]:
    """The clients' common settings, password included: never log them. Raises InsecureOrIncomplete."""
    require_usable(kafka)
    security = kafka.security
    settings = {
        "bootstrap_servers": list(kafka.bootstrap_servers),
        "security_protocol": KAFKA_PROTOCOLS[security.protocol],
        "ssl_context": tls_context(security),
    }
    if uses_sasl(security):
        settings |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
        }
    return settings
