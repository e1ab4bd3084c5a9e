"""What a joining worker asks its master, and the answers, as Locust messages."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from harness.load.workers.config import LoadConfig
from harness.load.workers.join_config import FileFacts, SharedName

ASK: Final = "floodmark_ask"
"""Message from a worker to the master: an ``Ask``."""
ANSWER: Final = "floodmark_answer"
"""Message from the master to that worker: an ``Answer``."""


_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Refused(ValueError):
    """The master's refusal and its reason."""


class Asks(Protocol):
    """How a worker asks: harness/load/join/asking.py."""

    def __call__(self, kind: str, data: dict[str, Any], timeout_s: float = ...) -> Any:
        """Return the data of the answer. Raises Refused, or TimeoutError if none comes."""
        ...


Host = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]+$", max_length=253)]
Nanoseconds = Annotated[int, Field(ge=-(2**62), le=2**62)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ask(_Message):
    """One question."""

    number: int
    """Its answer has the same number."""
    kind: Literal["join", "ping", "chunk", "ready", "unable", "progress", "part", "delivered"]
    data: dict[str, Any] = {}


class Answer(_Message):
    """The master's answer to one question; ``error`` is why it refuses."""

    number: int
    data: Any = None
    error: str = ""


class Joins(_Message):
    """``join``: a worker wants to take part. Answered by an ``Offer`` as JSON."""

    host: Host


class Offer(BaseModel):
    """Everything that a worker needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: LoadConfig
    """Its paths are relative to the worker's own folder."""
    endpoints: str
    """Kafka's, as JSON."""
    files: dict[SharedName, FileFacts]
    boot_id: str
    """Identifies the machine until it reboots; "" where it has none."""


class Wants(_Message):
    """``chunk``: the bytes after the offset in a file of the offer. Answered by bytes."""

    name: SharedName
    offset: int = Field(ge=0)


class Unable(_Message):
    """``unable``: the worker cannot take part."""

    why: str = Field(max_length=2000)


class Part(_Message):
    """``part``: the next chunk of a file of the worker's history. Answered once it is stored."""

    name: str
    """Relative to the history, with ``/``."""
    facts: FileFacts
    data: bytes


class Delivered(_Message):
    """``delivered``: every part was sent. Says what the worker knows about its clock; see ``WorkerLine``."""

    offset_ns: Nanoseconds
    uncertainty_ns: Annotated[int, Field(ge=0, le=2**62)]
    drift_ns: Nanoseconds
    shared_clock: bool


def boot_id() -> str:
    """Identifies this machine until it reboots, and so its monotonic clock; "" where none is known."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.is_file() else ""


def host_name() -> str:
    """This machine's name, for people; a ``Host``."""
    return re.sub("[^A-Za-z0-9_.-]", "-", socket.gethostname())[:253] or "unnamed"
