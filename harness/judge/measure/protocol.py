"""The protocol of checks: a pure function of a history, and what is needed to apply limits to its result."""

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
"""The aggregates of a check that measures values; one percentile stands for all percentiles."""
NEVER: Final[tuple[str, ...]] = ("count == 0",)
"""The threshold of every safety check; it applies even if the scenario does not mention it."""


class Check(Protocol):
    """No clients, no clock, no I/O. ``measure`` is called only when every table in ``needs`` is whole."""

    name: str
    describes: str
    """What it measures, in one sentence for ``floodmark list``."""
    unit: str
    """``ms``, ``s``, or "" for a count; limits are in it."""
    aggregates: Set[str]
    default_thresholds: tuple[str, ...]
    needs: Set[str]
    """What it reads: tables of the history, ``phases``, ``faults``, ``ends``, ``hot_writes``, ``run``."""
    phases: Set[str]
    """The phases in which a measured interval may begin: an intended send, an injection, a heal, a task."""

    def unfit(self, setting: Setting) -> str:
        """Return what the scenario lacks for this check; "" if nothing."""
        ...

    def measure(self, history: History) -> Measurement:
        """Measure the history, or return why that is impossible."""
        ...


class UnderLoad(Enum):
    """How the values of a check depend on the load being offered as requested."""

    FROM_INTENDED = "they count from the intended send, so the load's own lateness is part of them"
    RATE = "they are accepted rates, which cannot exceed the offered rate"
    PRESSURE = "they are the platform's speed under this load; under a smaller load it is faster"
    COURSE = "they are durations of disturbance, which a load that stalls and catches up changes either way"
    LOADS_OWN = "they describe the load itself, never the platform"


@runtime_checkable
class SpeedCheck(Check, Protocol):
    """A check of speed under load: its limits mean nothing if the load was not the one requested."""

    under_load: UnderLoad
