"""What checks need of a scenario in order to measure anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.scenario.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A condition that a scenario must meet."""

    condition: str
    """Worded to follow "unless": ``load.path is record_batches or computed``."""
    lacking: Callable[[Setting], bool]


STREAM: Final = Need(
    condition="pipeline.deploy has stream", lacking=lambda setting: setting.lacks_layer("stream")
)
SOURCE_ALONE: Final = Need(
    condition="pipeline.deploy has no stream", lacking=lambda setting: setting.has_layer("stream")
)
"""Nothing consumes the source topic, so only the topic itself can be judged."""
LAKE: Final = Need(condition="pipeline.deploy has lake", lacking=lambda setting: setting.lacks_layer("lake"))
EVENTS: Final = Need(condition="load.path is events", lacking=lambda setting: setting.sends_record_batches)
"""The source topic is read back event by event."""
RECORD_BATCHES: Final = Need(
    condition="load.path is record_batches or computed", lacking=lambda setting: setting.sends_events
)
"""The source topic is read back batch by batch."""
INTENDED_MOMENTS: Final = Need(
    condition="load.profile says when each event is to be sent",
    lacking=lambda setting: setting.is_flood,
)
RERUNS: Final = Need(condition="a step of lake is a rerun", lacking=lambda setting: setting.lacks_reruns)
SCANS: Final = Need(
    condition="a step of lake is a run with scans", lacking=lambda setting: setting.lacks_scans
)


def readers(kind: str) -> Need:
    """Readers of this kind run beside the load."""
    return Need(
        condition=f"load.readers has some of the kind {kind}",
        lacking=lambda setting: setting.lacks_readers(kind),
    )


def lasting(duration_s: int) -> Need:
    """The load lasts at least this long."""
    return Need(
        condition=f"load.duration is {duration_s}s or more",
        lacking=lambda setting: setting.lasts_less_than(duration_s),
    )
