"""A produce request that copies its batches once, on their way to the socket.

aiokafka assembles a request from the inside out, and each level copies what the one below it made: nine
copies of each batch. Here the parts stay separate until the connection has prepended the last of its own. The
bytes are the same: a test compares them with the library's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v7, ProduceRequestStruct

_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_HEAD: Final = struct.Struct(">hii")
"""Acknowledgements, time-out, and the number of topics."""
_NO_TEXT: Final = -1

Part = bytes | memoryview


class StampedBatch:
    """A batch as it is sent, in two parts: the header written for this send, and the records."""

    __slots__ = ("_parts", "_size")

    def __init__(self, header: bytes, records: Part) -> None:
        self._parts, self._size = (header, records), len(header) + len(records)

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)

    @property
    def parts(self) -> tuple[Part, Part]:
        """Header and records."""
        return self._parts


class _Message:
    """A request without its length. The connection prepends that, which makes it bytes."""

    __slots__ = ("_parts", "_size")

    def __init__(self, parts: list[Part]) -> None:
        self._parts, self._size = parts, sum(map(len, parts))

    def __len__(self) -> int:
        return self._size

    def __radd__(self, length: bytes) -> bytes:
        return b"".join((length, *self._parts))


class _Body:
    """A request without its header, which the connection prepends."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    def __radd__(self, header: bytes) -> _Message:
        return _Message([header, *self._parts])


class _JoinedStruct(ProduceRequest_v7):  # type: ignore[misc]
    """Version 7, which is the same on the wire since version 3."""

    def encode(self) -> _Body:
        """Return a lazy body; the connection prepends its header to it."""
        fields = self.__dict__
        transaction = fields["transactional_id"]
        topics = fields["topics"]
        return _Body(
            [
                _text(transaction) + _HEAD.pack(fields["required_acks"], fields["timeout"], len(topics)),
                *(part for topic, batches in topics for part in _topic(topic, batches)),
            ]
        )


class JoinedProduceRequest(ProduceRequest):  # type: ignore[misc]
    """The same request, whose batches may be ``StampedBatch`` instead of bytes."""

    def __init__(self, of: ProduceRequest) -> None:
        super().__init__(of._transactional_id, of._required_acks, of._timeout, of._topics)

    def build(self, request_struct_class: type[ProduceRequestStruct]) -> ProduceRequestStruct:
        """The request in the version that the broker speaks."""
        if request_struct_class is ProduceRequest_v7:
            return _JoinedStruct(self._transactional_id, self._required_acks, self._timeout, self._topics)
        topics = [
            (topic, [(partition, bytes(batch)) for partition, batch in batches])
            for topic, batches in self._topics
        ]
        whole = ProduceRequest(self._transactional_id, self._required_acks, self._timeout, topics)
        return whole.build(request_struct_class)


def _topic(name: str, batches: list[tuple[int, StampedBatch]]) -> Iterator[Part]:
    yield _text(name) + _INT32.pack(len(batches))
    for partition, batch in batches:
        yield _INT32.pack(partition) + _INT32.pack(len(batch))
        yield from batch.parts


def _text(value: str | None) -> bytes:
    if value is None:
        return _INT16.pack(_NO_TEXT)
    encoded = value.encode()
    return _INT16.pack(len(encoded)) + encoded
