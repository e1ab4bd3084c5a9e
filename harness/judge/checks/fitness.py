"""Which checks can tell nothing of a scenario's load, and in which phases the others find their values.

What is deployed decides as well: harness/judge/registry.py asks the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from harness.judge.checks.lake.reruns import RerunsUnchanged
from harness.judge.checks.record_batches.out_of_order import OutOfOrder
from harness.judge.checks.speed.rate_accuracy import WINDOW_S
from harness.scenario.phases import PHASES
from harness.scenario.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What some checks need in order to have anything to look at."""

    of: Set[str]
    lacking: Callable[[Setting], bool]
    told: str
    """As a condition: ``load.path is record_batches or computed``."""


_NEEDS: Final[tuple[_Need, ...]] = (
    _Need(
        # Single records are not read back of whole batches.
        of=frozenset({"altered"}),
        lacking=lambda setting: setting.sends_record_batches,
        told="load.path is events",
    ),
    _Need(
        of=frozenset({RerunsUnchanged.name}),
        lacking=lambda setting: setting.lacks_reruns,
        told="a step of lake is a rerun",
    ),
    _Need(
        of=frozenset({"pruning"}),
        lacking=lambda setting: setting.lacks_scans,
        told="a step of lake is a run with scans",
    ),
    _Need(
        of=frozenset({OutOfOrder.name}),
        lacking=lambda setting: setting.sends_events,
        told="load.path is record_batches or computed",
    ),
    _Need(
        # A load that sends as fast as it can means no event for any moment.
        of=frozenset({"produce_latency", "load_on_schedule", "rate_accuracy"}),
        lacking=lambda setting: setting.intends_no_moment,
        told="load.profile says when each event is to be sent",
    ),
    _Need(
        of=frozenset({"rate_accuracy"}),
        lacking=lambda setting: setting.lasts_less_than(WINDOW_S),
        told=f"load.duration is {WINDOW_S}s or more",
    ),
    _Need(
        of=frozenset({"hot_point_read_latency"}),
        lacking=lambda setting: setting.lacks_readers("hot_point"),
        told="load.readers has some of the kind hot_point",
    ),
    _Need(
        of=frozenset({"hot_range_read_latency"}),
        lacking=lambda setting: setting.lacks_readers("hot_range"),
        told="load.readers has some of the kind hot_range",
    ),
)

_WHILE_IT_FLOWS: Final[Set[str]] = frozenset({"warm_up", "steady", "fault", "recovery"})
_MEASURED_IN: Final[Mapping[str, Set[str]]] = MappingProxyType(
    {
        # By the moment at which each value begins: an intended send, an injection, a heal, a task.
        **dict.fromkeys(("produce_latency", "load_on_schedule", "rate_accuracy"), _WHILE_IT_FLOWS),
        **dict.fromkeys(("freshness_windows", "freshness_hot"), _WHILE_IT_FLOWS),
        **dict.fromkeys(("hot_point_read_latency", "hot_range_read_latency"), _WHILE_IT_FLOWS),
        "recovery_time": frozenset({"fault"}),
        "catch_up_time": frozenset({"fault", "recovery"}),
        **dict.fromkeys(("lake_duration", "lake_cpu", "lake_bytes", "pruning"), frozenset({"lake"})),
    }
)


def unfit(name: str, setting: Setting) -> str:
    """What a check would need in order to tell anything of a run in this setting; "" where it can."""
    return ", and ".join(need.told for need in _NEEDS if name in need.of and need.lacking(setting))


def measured_in(name: str) -> Set[str]:
    """The phases in which what a check measures may begin."""
    return _MEASURED_IN.get(name, frozenset(PHASES))
