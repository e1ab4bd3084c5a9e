"""A listener that speaks Kafka up to its password, which librdkafka's own mock cluster does not ask for."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.base.endpoints import KafkaEndpoint, Security

_HANDSHAKE, _API_VERSIONS, _AUTHENTICATE = 17, 18, 36
_UNSUPPORTED_VERSION, _AUTHENTICATION_FAILED = 35, 58
_KEYS = ((_HANDSHAKE, 0, 1), (_API_VERSIONS, 0, 0), (_AUTHENTICATE, 0, 0), (3, 0, 4))
_REFUSAL = b"Authentication failed: Invalid username or password"


class _Refusing(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while size := self.rfile.read(4):
            request = self.rfile.read(struct.unpack(">i", size)[0])
            api, version, correlation = struct.unpack_from(">hhi", request)
            answer = struct.pack(">i", correlation) + _answer(api, version)
            self.wfile.write(struct.pack(">i", len(answer)) + answer)


def _answer(api: int, version: int) -> bytes:
    if api == _API_VERSIONS:
        error = 0 if version == 0 else _UNSUPPORTED_VERSION
        return struct.pack(">hi", error, len(_KEYS)) + b"".join(struct.pack(">hhh", *key) for key in _KEYS)
    if api == _HANDSHAKE:
        return struct.pack(">hi", 0, 1) + struct.pack(">h", 5) + b"PLAIN"
    if api == _AUTHENTICATE:
        return struct.pack(">hh", _AUTHENTICATION_FAILED, len(_REFUSAL)) + _REFUSAL + struct.pack(">i", 0)
    raise AssertionError(f"asked for {api} before anybody was let in")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def refusing_broker(password: str) -> Iterator[KafkaEndpoint]:
    """Its endpoint, with this password, which it refuses like any other."""
    with _Server(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield KafkaEndpoint(
            bootstrap_servers=(f"127.0.0.1:{server.server_address[1]}",),
            security=Security(
                protocol="sasl_plaintext", mechanism="PLAIN", username="mara", password=password
            ),
        )
        server.shutdown()
