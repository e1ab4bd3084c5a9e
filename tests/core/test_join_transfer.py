"""What comes from another machine is there when it is whole and what was said, and otherwise not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.load.join import transfer
from harness.load.join.transfer import CHUNK_BYTES, Incoming, chunk_of
from harness.load.workers.join_config import FileFacts


def facts_of(path: Path, content: bytes) -> FileFacts:
    path.write_bytes(content)
    return FileFacts.of(path)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 7])
def test_a_file_arrives_as_it_was(tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    incoming = Incoming(facts_of(source, bytes(range(256)) * (size // 256) + b"x" * (size % 256)), target)
    while not incoming.add(chunk_of(source, incoming.received)):
        assert not target.exists()
    assert target.read_bytes() == source.read_bytes()
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("chunk", [b"Abc", b"abcd", b""])
def test_what_is_not_what_was_said_is_not_kept(tmp_path: Path, chunk: bytes) -> None:
    incoming = Incoming(facts_of(tmp_path / "source", b"abc"), tmp_path / "new" / "target")
    with pytest.raises(ValueError, match="target: "):
        incoming.add(chunk)
    assert not list((tmp_path / "new").iterdir())


def test_nothing_that_is_there_is_replaced(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there already"):
        Incoming(facts_of(tmp_path / "source", b"abc"), tmp_path / "source")


def test_a_file_for_which_there_is_no_room_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="are free"):
        Incoming(FileFacts(size=2**62, sha256="0" * 64), tmp_path / "target")


@pytest.mark.parametrize("digest", ["../" + "0" * 61, "0" * 63, "0" * 64 + "\n", "A" * 64])
def test_a_digest_is_hexadecimal(digest: str) -> None:
    with pytest.raises(ValidationError):
        FileFacts(size=1, sha256=digest)


def test_a_chunk_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 2)
    incoming = Incoming(facts_of(tmp_path / "source", b"abc"), tmp_path / "target")
    with pytest.raises(ValueError, match="a chunk of 3 bytes"):
        incoming.add(b"abc")
