"""A scenario: what to run, as a frozen, typed value. harness/validate/scenario_file.py reads it from YAML."""

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
"""Shortest useful steady state: from the warm-up to the first fault or the end of the load."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Inject(_Model):
    """Irregular events mixed into the trace, by seed. Shares are of the trace's events."""

    malformed: Share = 0.0
    """Extra events that break the contract; each must reach the dead-letter topic."""
    duplicate: Share = 0.0
    """Events sent a second time, with the same identity."""
    late: Share = 0.0
    """Events sent long after their event time."""
    late_by: Seconds = 1800.0
    """How late, in event time."""
    boundary: Share = 0.0
    """Events sent after their five-minute window ended, by up to twice
    ``pipeline.stream.out_of_orderness``: half arrive just in time, half just too late."""
    conflict: Share = 0.0
    """Events sent a second time with the same identity and another value; the first to arrive is kept."""


class Readers(_Model):
    """Users that read for as long as the producers send. Their requests form a Poisson process."""

    rate: Rate = Field(gt=0, le=100_000)
    """Requests per second over all kinds, regardless of earlier responses (open loop)."""
    weights: dict[str, Annotated[int, Field(ge=1, le=1_000_000)]] = Field(min_length=1)
    """Relative frequency of each kind of reader (harness/load/readers/): 9 and 1 give nine to one."""
    in_flight: int = Field(default=64, ge=1, le=1024)
    """Maximum number of concurrent requests. Further requests wait, and their latency includes the wait."""


class Load(_Model):
    """Trace, profile, and the Locust users that send it."""

    trace: Path
    """The trace's mapping file; in YAML relative to the scenario's folder."""
    events: int | None = Field(default=None, ge=1)
    """Maximum number of the trace's events, earliest first. Default: all. Only for the profile ``trace``:
    other profiles determine the number themselves."""
    profile: AnyProfile = TraceProfile()
    """Events per second over wall-clock time. The trace's valid events are sent in order, repeated as
    necessary, plus those of ``inject``. Default: the trace's own gaps."""
    arrivals: Arrivals = "even"
    """Spacing of events at the profile's rate. Not for the profile ``trace``, which has its own gaps."""
    event_span: Seconds
    """Event time into which the trace's or the profile's time is compressed or stretched."""
    duration: Seconds
    """Wall-clock time of the load; event_span / duration is the event clock's time_scale (>= 1)."""
    path: Literal["events", "record_batches", "computed"] = "events"
    """``events`` sends the plan's events one by one. ``record_batches`` repeatedly sends Kafka record batches
    encoded in advance. ``computed`` generates a trace's events while sending, in record batches, without a
    plan. The last two need a pipeline of topics alone (``pipeline: {deploy: []}``)."""
    users: int = Field(default=1, ge=1, le=64)
    """Users per process, each with a producer and its share of the entities."""
    processes: int = Field(default=1, ge=1, le=64)
    """Locust workers on this machine, each with its share of the entities."""
    acks: Literal["all", "1"] = "all"
    inject: Inject = Inject()
    readers: Readers | None = None

    @property
    def time_scale(self) -> float:
        """Event-clock seconds per wall-clock second."""
        return self.event_span / self.duration

    @property
    def arrangement(self) -> Curve | None:
        """The rate at which the plan's events are scheduled; None if they keep the trace's own times.

        Events in record batches keep them: a profile only decides when each batch is sent.
        """
        return None if self.sends_record_batches else self.curve

    @property
    def sends_record_batches(self) -> bool:
        """Whether record batches are sent, so that the source topic is read back batch by batch."""
        return self.path != "events"

    @property
    def is_flood(self) -> bool:
        """Whether it sends as fast as the platform accepts, without intended send times."""
        return self.sends_record_batches and self.curve is None

    @property
    def curve(self) -> Curve | None:
        """The profile's rate over the duration; None if the trace's own times decide."""
        return self.profile.curve(self.duration)


class Expectation(_Model):
    """Limits added to a check's own, or a waiver of its own limits."""

    check: str
    thresholds: tuple[str, ...] = Field(default=(), min_length=1)
    """Limits in the threshold grammar (harness/scenario/thresholds.py)."""
    waive: str | None = Field(default=None, pattern=r"\S")
    """Why the check's own limits do not apply here. Its result is shown but does not count: if all other
    checks pass, the run is PASS, with this check listed as waived."""


class ScenarioHead(_Model):
    """A scenario's top-level fields outside its sections."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    description: str
    seed: int = Field(ge=0, lt=2**32)
    warm_up: Seconds = 10.0
    """Time from the start of the load until the steady state is judged."""
    drain_timeout: Seconds = 120.0
    """Time for the platform to catch up after the load's end."""
    expect_fail: tuple[str, ...] = ()
    """For sabotage: exactly these checks must FAIL. The run itself still ends FAIL."""


class Scenario(ScenarioHead):
    """What to run: topology, pipeline, load, faults and expectations."""

    topology: Topology
    """Inline, or (in YAML) the name of a file in scenarios/topologies/."""
    pipeline: PipelineOptions = PipelineOptions()
    load: Load
    lake: LakeStage | None = None
    """What partners drop and which days are run, if the lake is deployed. The load then covers whole days,
    starting at midnight UTC."""
    faults: tuple[FaultSpec, ...] = ()
    expect: tuple[Expectation, ...] = ()
