"""What a contender of the ingestion bench is, and how its process is run and timed."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from harness.observe.readback.record_batches import FoundBatch
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import KafkaFailed

_TIMEOUT_S: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a contender is to send. Nobody sends keys, but the computed path with generated events."""

    endpoints: Endpoints
    topic: str
    events: int
    payloads: Path
    """A payload a line."""
    trace: Path
    """The same payloads, encoded."""
    folder: Path
    """For its own files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a contender says of itself. The topic is read back besides."""

    events: int
    """Acknowledged."""
    run_s: float
    """From its first send to its last acknowledgement; its start is not counted."""
    cpu_s: float
    """Of its process, its start included."""


class Contender(Protocol):
    """One way to produce."""

    @property
    def name(self) -> str:
        """As it is shown."""
        ...

    @property
    def events(self) -> Mapping[int, int]:
        """By the number of brokers: what makes a run of about ten seconds."""
        ...

    def send(self, task: Task) -> Sent:
        """Send everything. Raises KafkaFailed."""
        ...

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Batches of the topic that are not what was to be there, as far as that is certain."""
        ...


def shorter(task: Task, share: float) -> Task:
    """The same task for fewer events."""
    return replace(task, events=max(1, round(task.events * share)))


def run_child(argv: Sequence[str]) -> tuple[float, str]:
    """Processor time and output of a child that ends well. Raises KafkaFailed for one that does not."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise KafkaFailed(f"{argv[0]} ... ended with {done.returncode}: {done.stderr[-1000:]}")
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime), done.stdout
