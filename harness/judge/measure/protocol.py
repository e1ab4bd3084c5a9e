"""What a check is: a pure function of a history, with what is needed to hold limits against its answer."""

from __future__ import annotations

from collections.abc import Set
from enum import Enum
from typing import Final, Protocol, runtime_checkable

from harness.history.reader import History
from harness.judge.measure.measurement import Measurement
from harness.scenario.setting import Setting

COUNT: Final = frozenset({"count"})
"""The aggregates of a check that counts what is wrong."""
DISTRIBUTION: Final = frozenset({"p(50)", "max", "mean", "min", "count"})
"""The aggregates of a check that measures values; one percentile stands for all."""
NEVER: Final[tuple[str, ...]] = ("count == 0",)
"""The threshold of every safety check; it holds whether or not the scenario mentions it."""


class Check(Protocol):
    """No clients, no clock, no I/O. ``measure`` is called only when every table in ``needs`` is whole."""

    name: str
    describes: str
    """What it measures, in one sentence for ``floodmark list``."""
    unit: str
    """``ms``, ``s``, or "" for a count; limits are held in it."""
    aggregates: Set[str]
    default_thresholds: tuple[str, ...]
    needs: Set[str]
    """All that it reads: tables of the history, ``phases``, ``faults``, ``ends``, ``hot_writes``, ``run``."""
    phases: Set[str]
    """In which what it measures may begin: an intended send, an injection, a heal, a task."""

    def unfit(self, setting: Setting) -> str:
        """What a scenario would need for this check to show anything; "" where it has that."""
        ...

    def measure(self, history: History) -> Measurement:
        """What the history shows, or why that cannot be told."""
        ...


class UnderLoad(Enum):
    """How the values of a check depend on the load being offered as it was asked for."""

    FROM_INTENDED = "they count from when the load was to send, so its own lateness is a part of them"
    RATE = "they are rates of what was taken, which cannot be more than was offered"
    PRESSURE = "they are how fast the platform is under this load, and of a smaller one it is faster"
    COURSE = "they are how long it was disturbed, which a load that stops and catches up changes either way"
    LOADS_OWN = "they are of the load itself, and never of the platform"


@runtime_checkable
class SpeedCheck(Check, Protocol):
    """A check of speed under load: its limits say nothing where another load was offered than asked for."""

    under_load: UnderLoad
