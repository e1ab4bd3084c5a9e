"""Translates an endpoint's security into each client library's settings; refuses what is unsupported."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pipeline.base.endpoints import KafkaEndpoint, Security, SecurityProtocol
from pipeline.base.errors import InsecureOrIncomplete, PipelineError

KAFKA_PROTOCOLS: Final[Mapping[SecurityProtocol, str]] = MappingProxyType(
    {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl_plaintext": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}
)
"""Kafka's own name for each protocol."""
_SASL: Final = ("sasl_plaintext", "sasl_tls")
_TLS: Final = ("tls", "sasl_tls")


def require_plaintext(security: Security) -> None:
    """Refuse every protocol but plaintext, for clients that support no other yet. Raises PipelineError."""
    if security.protocol != "plaintext":
        raise PipelineError(f"security protocol {security.protocol}: only plaintext is supported here yet")


def require_usable(endpoint: KafkaEndpoint) -> None:
    """Raise InsecureOrIncomplete with every reason why no client can use this endpoint's security."""
    if problems := tuple(_problems(endpoint)):
        raise InsecureOrIncomplete(problems)


def uses_sasl(security: Security) -> bool:
    """Return whether clients send a user and a password."""
    return security.protocol in _SASL


def tls_context(security: Security) -> ssl.SSLContext | None:
    """Return the context for Python's TLS; None without TLS. Raises InsecureOrIncomplete for bad files."""
    if security.protocol not in _TLS:
        return None
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.certificate_file is not None:
            context.load_cert_chain(security.certificate_file, security.key_file)
    except (ssl.SSLError, OSError) as error:
        files = (security.ca_file, security.certificate_file, security.key_file)
        named = ", ".join(file for file in files if file is not None)
        raise InsecureOrIncomplete([f"no certificates or key in {named}: {error}"]) from error
    return context


def librdkafka_settings(security: Security) -> dict[str, str]:
    """Return librdkafka's settings. They contain the password and must never be shown."""
    settings = {"security.protocol": KAFKA_PROTOCOLS[security.protocol].lower()}
    if security.protocol in _TLS:
        files = {
            "ssl.ca.location": security.ca_file,
            "ssl.certificate.location": security.certificate_file,
            "ssl.key.location": security.key_file,
        }
        settings |= {name: file for name, file in files.items() if file is not None}
    if uses_sasl(security):
        settings |= {
            "sasl.mechanism": security.mechanism,
            "sasl.username": security.username or "",
            "sasl.password": security.password or "",
        }
    return settings


def _problems(endpoint: KafkaEndpoint) -> Iterator[str]:
    security = endpoint.security
    if security.protocol == "iam":
        yield "protocol iam: not verified against AWS yet; use tls, sasl_tls or plaintext"
    if uses_sasl(security):
        for name in ("username", "password"):
            if not getattr(security, name):
                yield f"protocol {security.protocol}: {name} is missing"
    if security.protocol in _TLS:
        yield from _broken_files(security)
    if security.protocol == "sasl_plaintext" and not security.unencrypted_beyond_loopback:
        for server in endpoint.bootstrap_servers:
            if not _is_loopback(server):
                yield (
                    f"protocol sasl_plaintext: {server} is beyond this machine and would be sent the password"
                    " unencrypted; use sasl_tls, or say unencrypted_beyond_loopback"
                )


def _broken_files(security: Security) -> Iterator[str]:
    if (security.certificate_file is None) != (security.key_file is None):
        yield f"protocol {security.protocol}: certificate_file and key_file go together"
    for name in ("ca_file", "certificate_file", "key_file"):
        file = getattr(security, name)
        if file is not None and not Path(file).is_file():
            yield f"protocol {security.protocol}: {name} is no file: {file}"


def _is_loopback(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
