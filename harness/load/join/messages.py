"""What a worker that joins asks its master, and what it is answered, as messages of Locust's."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from harness.load.workers.config import LoadConfig
from harness.load.workers.join_config import FileFacts, SharedName

ASK: Final = "floodmark_ask"
"""Message from a worker to the master: an ``Ask``."""
ANSWER: Final = "floodmark_answer"
"""Message from the master to that worker: an ``Answer``."""


class Refused(ValueError):
    """The master said no, and why."""


class Asks(Protocol):
    """How a worker asks: harness/load/join/asking.py."""

    def __call__(self, kind: str, data: dict[str, Any], timeout_s: float = ...) -> Any:
        """The data of the answer. Raises Refused, and TimeoutError where none comes."""
        ...


Host = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]+$", max_length=253)]
Nanoseconds = Annotated[int, Field(ge=-(2**62), le=2**62)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ask(_Told):
    """One question."""

    number: int
    """By which the answer is known."""
    kind: Literal["join", "ping", "chunk", "ready", "unable", "progress", "part", "delivered"]
    data: dict[str, Any] = {}


class Answer(_Told):
    """What the master says to one question; ``error`` says why it refuses."""

    number: int
    data: Any = None
    error: str = ""


class Joins(_Told):
    """``join``: a worker wants to take part. Answered by an ``Offer`` as JSON."""

    host: Host


class Offer(BaseModel):
    """All that a worker needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: LoadConfig
    """Its paths are names in the worker's own folder."""
    endpoints: str
    """Kafka's, as JSON."""
    files: dict[SharedName, FileFacts]
    boot_id: str
    """Names the machine until it starts again; "" where it has none."""


class Wants(_Told):
    """``chunk``: what follows the offset in a file of the offer. Answered by bytes."""

    name: SharedName
    offset: int = Field(ge=0)


class Unable(_Told):
    """``unable``: the worker cannot take part."""

    why: str = Field(max_length=2000)


class Part(_Told):
    """``part``: the next chunk of a file of the worker's history. Answered once it is kept."""

    name: str
    """Relative to the history, with ``/``."""
    facts: FileFacts
    data: bytes


class Delivered(_Told):
    """``delivered``: every part was sent. What the worker knows of its clock, see ``WorkerLine``."""

    offset_ns: Nanoseconds
    uncertainty_ns: Annotated[int, Field(ge=0, le=2**62)]
    drift_ns: Nanoseconds
    shared_clock: bool
