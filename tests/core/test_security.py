"""How clients are told to be secure: each library in its own words, and no secret where people read."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.clients.kafka_connection import connection_settings
from pipeline.base.endpoints import Endpoints, KafkaEndpoint, SaslMechanism, Security, SecurityProtocol
from pipeline.base.errors import AccessRefused, InsecureOrIncomplete
from pipeline.base.kafka import Topics
from pipeline.base.kafka_access import KafkaAccess, client_config
from pipeline.base.options import TopicOptions
from pipeline.base.security import require_usable
from tests.core.sasl_broker import refusing_broker

PASSWORD = "s3cret"  # noqa: S105


def kafka(*servers: str, **security: Any) -> KafkaEndpoint:
    return KafkaEndpoint(
        bootstrap_servers=servers or ("127.0.0.1:9092",),
        security=Security(**{"username": "mara", "password": PASSWORD, **security}),
    )


def problems(endpoint: KafkaEndpoint) -> str:
    with pytest.raises(InsecureOrIncomplete) as refused:
        require_usable(endpoint)
    return str(refused.value)


def test_librdkafka_is_told_the_user_and_the_mechanism() -> None:
    assert client_config(kafka(protocol="sasl_plaintext", mechanism="PLAIN")) == {
        "bootstrap.servers": "127.0.0.1:9092",
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "mara",
        "sasl.password": PASSWORD,
    }


def test_librdkafka_is_told_the_files_of_tls_and_no_password_without_sasl(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    files = {"ca_file": "ca", "certificate_file": "cert", "key_file": "key"}
    told = client_config(kafka(protocol="tls", **{k: str(tmp_path / v) for k, v in files.items()}))
    assert told["security.protocol"] == "ssl"
    assert told["ssl.ca.location"] == str(tmp_path / "ca")
    assert told["ssl.certificate.location"] == str(tmp_path / "cert")
    assert told["ssl.key.location"] == str(tmp_path / "key")
    assert not [name for name in told if name.startswith("sasl")]


def test_aiokafka_is_told_the_same() -> None:
    told = connection_settings(kafka("k:9092", protocol="sasl_tls"))
    assert isinstance(told.pop("ssl_context"), ssl.SSLContext)
    assert told == {
        "bootstrap_servers": ["k:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "mara",
        "sasl_plain_password": PASSWORD,
    }


def test_a_server_of_tls_must_prove_its_name() -> None:
    context = connection_settings(kafka("k:9092", protocol="tls"))["ssl_context"]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


@pytest.mark.parametrize("server", ["127.0.0.1:9", "127.3.2.1:9", "[::1]:9", "localhost:9"])
def test_a_password_may_go_over_loopback_unencrypted(server: str) -> None:
    require_usable(kafka(server, protocol="sasl_plaintext"))


@pytest.mark.parametrize("server", ["10.0.0.1:9", "kafka:9", "localhost.example.org:9"])
def test_a_password_leaves_the_machine_unencrypted_only_when_that_is_said(server: str) -> None:
    endpoint = kafka("127.0.0.1:9", server, protocol="sasl_plaintext")
    assert f"{server} is beyond this machine" in problems(endpoint)
    said = replace(endpoint.security, unencrypted_beyond_loopback=True)
    require_usable(replace(endpoint, security=said))


def test_everything_that_lacks_is_listed(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    found = problems(kafka(protocol="sasl_tls", username=None, password="", ca_file=missing))
    assert "username is missing" in found
    assert "password is missing" in found
    assert f"ca_file is no file: {missing}" in found


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert").touch()
    assert "go together" in problems(kafka(protocol="tls", certificate_file=str(tmp_path / "cert")))


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(InsecureOrIncomplete, match=r"ca\.pem"):
        connection_settings(kafka(protocol="tls", ca_file=str(tmp_path / "ca.pem")))


def test_iam_is_refused_with_its_reason() -> None:
    assert "not verified against AWS" in problems(kafka(protocol="iam"))


PROTOCOLS: list[SecurityProtocol] = ["plaintext", "tls", "sasl_plaintext", "sasl_tls", "iam"]
MECHANISMS: list[SaslMechanism] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@given(
    protocol=st.sampled_from(PROTOCOLS),
    mechanism=st.sampled_from(MECHANISMS),
    server=st.sampled_from(["127.0.0.1:9092", "kafka:9092"]),
    username=st.none() | st.just("mara"),
    password=st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=12),
    ca_file=st.none() | st.just("/none.pem"),
)
def test_nothing_that_is_shown_holds_the_password(password: str, server: str, **fields: Any) -> None:
    endpoint = KafkaEndpoint(bootstrap_servers=(server,), security=Security(password=password, **fields))
    shown = [repr(endpoint), str(endpoint), repr(Endpoints((endpoint,)))]
    try:
        require_usable(endpoint)
    except InsecureOrIncomplete as refused:
        shown += [str(refused), repr(refused)]
    assert not [text for text in shown if password in text]


def test_a_wrong_password_is_said_and_not_shown() -> None:
    with refusing_broker(PASSWORD) as endpoint, pytest.raises(AccessRefused) as refused:
        KafkaAccess(endpoint).metadata()
    told = str(refused.value)
    address = endpoint.bootstrap
    assert f"kafka refused the password of user mara (SASL PLAIN) at {address}" in told
    assert "Invalid username or password" in told
    assert PASSWORD not in told


def test_a_wrong_password_is_not_tried_for_as_long_as_a_broker_may_take_to_start() -> None:
    with refusing_broker(PASSWORD) as endpoint, pytest.raises(AccessRefused):
        Topics(endpoint).create(["events"], TopicOptions())


def test_credentials_stay_with_their_owner_in_a_file_that_was_open_to_all(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    path.touch(mode=0o644)
    Endpoints((kafka(),)).save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Endpoints.load(path) == Endpoints((kafka(),))
