"""How the harness's own Kafka clients reach a cluster: librdkafka's settings from a ``KafkaEndpoint``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.errors import PlatformError
from pipeline.endpoints import KafkaEndpoint, Security


def client_settings(endpoint: KafkaEndpoint) -> dict[str, str | int | float | bool]:
    """Bootstrap servers and security. Raises ``PlatformError`` for a protocol that is not supported."""
    settings = _SECURITY.get(endpoint.security.protocol)
    if settings is None:
        raise PlatformError(
            f"Kafka's security protocol {endpoint.security.protocol!r} is not supported; "
            f"supported: {', '.join(_SECURITY)}"
        )
    return {"bootstrap.servers": endpoint.bootstrap, **settings(endpoint.security)}


def _plaintext(_: Security) -> dict[str, str]:
    return {}


def _tls(security: Security) -> dict[str, str]:
    named = {
        "ssl.ca.location": security.ca_file,
        "ssl.certificate.location": security.certificate_file,
        "ssl.key.location": security.key_file,
    }
    return {"security.protocol": "ssl"} | {name: value for name, value in named.items() if value}


def _sasl_tls(security: Security) -> dict[str, str]:
    return _tls(security) | {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": security.username or "",
        "sasl.password": security.password or "",
    }


_SECURITY: Final[dict[str, Callable[[Security], dict[str, str]]]] = {
    "plaintext": _plaintext,
    "tls": _tls,
    "sasl_tls": _sasl_tls,
}
