"""The choices that a deployment of the pipeline may make. The defaults are what production would run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_type_hints

from pipeline.base.settings_file import read_settings

LayerName = Literal["stream", "lake"]
"""The parts of the pipeline that can be deployed by themselves (pipeline/layers/)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """Options of the Flink job. Times are wall-clock seconds unless they say ``event``."""

    parallelism: int = 2
    checkpoint_interval_s: float = 2.0
    delivery: Literal["exactly_once", "at_least_once"] = "exactly_once"
    """Of every Kafka sink. At-least-once repeats results after a restart."""
    late_events: Literal["late_topic", "drop"] = "late_topic"
    """What becomes of an event whose five-minute window had closed when it came. Flink by itself drops it."""
    out_of_orderness_event_s: float = 60.0
    """How far behind the newest event of its partition an event may come and still be on time."""
    idle_timeout_s: float = 15.0
    """A partition without events for this long no longer holds the watermark back."""
    dedup_horizon_s: float = 3600.0
    """How long an event's identity is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotOptions:
    """Options of the hot writer."""

    writers: int = 1
    """Processes; each takes its share of the partitions."""
    delivery: Literal["at_least_once", "at_most_once"] = "at_least_once"
    """At-least-once commits offsets after the write (the write is idempotent); at-most-once before it."""
    ttl_s: int = 7 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicOptions:
    """Options of the pipeline's topics."""

    partitions: int = 6
    retention_s: int = 7 * 86400
    min_insync_replicas: int = 2
    unclean_leader_election: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeOptions:
    """Options of the lake."""

    landing_offsets: Literal["from_commit", "ignored"] = "from_commit"
    """Where landing begins: behind the last commit's offset ranges, or each time at the topic's start."""
    silver_duplicates: Literal["drop", "keep"] = "drop"
    """What becomes of a second copy of an event's identity. A dropped one is a reject with its reason."""
    gates: Literal["evaluate", "skip"] = "evaluate"
    """Whether the quality gates between the layers look at the data."""
    promotion: Literal["after_gate", "always"] = "after_gate"
    """Whether a day whose gate failed is kept in quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """Everything that one deployment of the pipeline may choose."""

    deploy: tuple[LayerName, ...] = ("stream",)
    """The layers on top of the topics; none, to try Kafka alone."""
    stream: StreamOptions = StreamOptions()
    hot: HotOptions = HotOptions()
    topics: TopicOptions = TopicOptions()
    lake: LakeOptions = LakeOptions()

    def save(self, path: Path) -> None:
        """Write for a child process."""
        path.write_text(json.dumps(asdict(self), indent=2))

    @staticmethod
    def load(path: Path) -> PipelineOptions:
        """Read what ``save`` wrote; what it lacks has its default. Raises SettingsRefused."""
        return PipelineOptions(**read_settings(path, get_type_hints(PipelineOptions)))
