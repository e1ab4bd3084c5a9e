"""A scenario: what to run, as a frozen, typed value. harness/validate/scenario_file.py makes it from YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.base.units import Rate, Seconds, Share
from harness.scenario.faults import FaultSpec
from harness.scenario.lake_steps import LakeStage
from harness.scenario.profiles.curve import Curve
from harness.scenario.profiles.protocol import Arrivals
from harness.scenario.profiles.registry import AnyProfile
from harness.scenario.profiles.trace import TraceProfile
from harness.scenario.topology import Topology
from pipeline.base.options import PipelineOptions

STEADY_MIN_S: Final = 8.0
"""From the warm-up to the first fault, or to the end of the load, at least: a shorter time tells nothing."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Inject(_Model):
    """What is mixed into the trace, by seed. Shares are of the trace's events."""

    malformed: Share = 0.0
    """Extra events that break the contract; each must reach the dead-letter topic."""
    duplicate: Share = 0.0
    """Events sent a second time, with the same identity."""
    late: Share = 0.0
    """Events sent long after their event time."""
    late_by: Seconds = 1800.0
    """How late, in event time."""
    boundary: Share = 0.0
    """Events sent shortly after their five-minute window ended, by up to twice
    ``pipeline.stream.out_of_orderness``: half of them come just in time, half of them just too late."""
    conflict: Share = 0.0
    """Events sent a second time, with the same identity and another value; the first to arrive is kept."""


class Readers(_Model):
    """Users that read beside the producers, for as long. Their requests arrive as a Poisson process."""

    rate: Rate = Field(gt=0, le=100_000)
    """Requests a second, of all kinds together, whatever becomes of those before (open loop)."""
    weights: dict[str, Annotated[int, Field(ge=1, le=1_000_000)]] = Field(min_length=1)
    """By kind of reader (harness/load/readers/): of 9 to 1, nine requests in ten are of the first kind."""
    in_flight: int = Field(default=64, ge=1, le=1024)
    """So many requests are under way at most. Above it they wait, and their latency counts the wait."""


class Load(_Model):
    """Trace x profile x the Locust users that drive it."""

    trace: Path
    """The mapping file of the trace; in YAML relative to the scenario's own folder."""
    events: int | None = Field(default=None, ge=1)
    """At most so many of the trace's events, the earliest ones; all of them when it is left out. For the
    profile ``trace`` only: any other says itself how many."""
    profile: AnyProfile = TraceProfile()
    """Events a second over wall-clock time: the trace's valid events, in its order, as often as it takes;
    what ``inject`` mixes in comes on top. The trace's own gaps when it is left out."""
    arrivals: Arrivals = "even"
    """How events arrive at the profile's rate. Not for the profile ``trace``, which has its own gaps."""
    event_span: Seconds
    """The trace's own time, or that of the profile, is squeezed or stretched into this much event time."""
    duration: Seconds
    """Wall-clock time that the load takes; event_span / duration is the event clock's time_scale (>= 1)."""
    path: Literal["events", "record_batches", "computed"] = "events"
    """``events`` sends the plan's events one by one. ``record_batches`` sends Kafka record batches that were
    encoded before, over and over. ``computed`` draws a generated trace's events as it sends them, in record
    batches, and plans none of them. The last two need a pipeline of topics alone (``pipeline: {deploy:
    []}``)."""
    users: int = Field(default=1, ge=1, le=64)
    """Of each process. Each has a producer and its part of the entities."""
    processes: int = Field(default=1, ge=1, le=64)
    """Locust's workers on this machine. Each has its share of the entities."""
    acks: Literal["all", "1"] = "all"
    inject: Inject = Inject()
    readers: Readers | None = None

    @property
    def time_scale(self) -> float:
        """Event-clock seconds per wall-clock second."""
        return self.event_span / self.duration

    @property
    def arrangement(self) -> Curve | None:
        """The rate by which the plan's events are arranged; None where they keep the trace's own times.

        Encoded record batches do: a profile decides only when each is sent.
        """
        return None if self.sends_record_batches else self.curve

    @property
    def sends_record_batches(self) -> bool:
        """Whether record batches are sent; the source topic is then read back batch by batch."""
        return self.path != "events"

    @property
    def is_flood(self) -> bool:
        """Whether it sends as fast as the platform takes it: nothing is meant for any moment."""
        return self.sends_record_batches and self.curve is None

    @property
    def curve(self) -> Curve | None:
        """The profile's rate over the duration; None where the trace's own times decide."""
        return self.profile.curve(self.duration)


class Expectation(_Model):
    """What one check is held to beside what it is held to by itself, or that it is not held to that."""

    check: str
    thresholds: tuple[str, ...] = Field(default=(), min_length=1)
    """Limits in the threshold grammar (harness/scenario/thresholds.py)."""
    waive: str | None = Field(default=None, pattern=r"\S")
    """Why the limits that hold by themselves do not hold here. What the check finds is shown and counts for
    nothing: a run in which all else passes is PASS, with this check listed as waived."""


class ScenarioHead(_Model):
    """What a scenario says of itself, outside its sections."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    description: str
    seed: int = Field(ge=0, lt=2**32)
    warm_up: Seconds = 10.0
    """From the start of the load until the steady state is judged."""
    drain_timeout: Seconds = 120.0
    """How long the platform may take to catch up after the load's end."""
    expect_fail: tuple[str, ...] = ()
    """For sabotage: the checks that must FAIL, exactly these. The run then still ends FAIL."""


class Scenario(ScenarioHead):
    """What to run: topology, pipeline, load, faults and expectations."""

    topology: Topology
    """Inline, or (in YAML) the name of a file in scenarios/topologies/."""
    pipeline: PipelineOptions = PipelineOptions()
    load: Load
    lake: LakeStage | None = None
    """What partners drop and which days are run, where the lake is deployed: the load covers whole days then,
    from a midnight on (UTC)."""
    faults: tuple[FaultSpec, ...] = ()
    expect: tuple[Expectation, ...] = ()
