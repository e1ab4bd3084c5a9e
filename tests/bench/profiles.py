"""Whether loads keep to their profiles: each curve and the measured rate, event by event and in batches."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from harness.backends.protocol import Platform
from harness.base.report import Report
from harness.cli.output import print_table
from harness.scenario.model import Load, Scenario
from harness.scenario.profiles.burst import Burst
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.diurnal import Diurnal
from harness.scenario.profiles.flash_crowd import FlashCrowd
from harness.scenario.profiles.ramp import Ramp
from harness.scenario.profiles.registry import AnyProfile
from harness.scenario.profiles.saw_tooth import SawTooth
from harness.scenario.profiles.step import Step
from harness.scenario.profiles.trace import TraceProfile
from pipeline.base.options import PipelineOptions, TopicOptions
from tests.bench.cluster import brokers_alone, kafka_cluster
from tests.bench.profile_accuracy import accuracy, sustained_per_s
from tests.bench.profile_load import send
from tests.bench.profile_plot import Panel, draw
from tests.bench.protocol import Settings
from tests.bench.results import save

LoadPath = Literal["events", "record_batches"]
DURATION_S: Final = 20.0
SHARE_OF_MAXIMUM: Final = 0.8
_TOO_FAST_PER_S: Final = 250_000.0
"""More than one process sends event by event."""
_TRACE: Final = Path("scenarios/traces/flights.yaml")
_TRACE_EVENTS: Final = 20_000
"""About twenty days, so that a day lasts a second and shows."""
_EVENT_SPAN_S: Final = 1200.0
"""Event time of the load; the plan has it in milliseconds, and so the wall clock sixty times as fine."""
_SCALES: Final[Mapping[LoadPath, float]] = MappingProxyType({"events": 1.0, "record_batches": 20.0})
"""Times the rates of ``profiles``."""
_USERS: Final[Mapping[LoadPath, int]] = MappingProxyType({"events": 1, "record_batches": 2})
"""A broker handles the requests of a connection one by one: with a single one, half of it is idle."""
_COLUMNS: Final = ("event by event", "whole batches, at 20 times the rate")
_NOT_OF_RECORD_BATCHES: Final = (
    "whole batches have no gaps of the trace's own:\nthey follow another profile, or none"
)
_NOTES: Final = (
    "a deviation is that of the events sent from those due, in any 10 s, and in any 1 s, of the load: windows"
    " begin at each tenth of a second.",
    "late is from when the first event of an operation was due to when it was sent, per event; a batch is"
    " sent when its last event is due, up to 20 ms later.",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """One profile on one path."""

    profile: str
    path: LoadPath
    panel: Panel

    def as_json(self) -> dict[str, object]:
        """As it is written down."""
        figures = {name: round(value, 3) for name, value in asdict(self.panel.accuracy).items()}
        return {"profile": self.profile, "path": self.path, **figures}

    def row(self) -> tuple[str, ...]:
        """As it is shown."""
        found = self.panel.accuracy
        return (
            self.profile,
            self.path,
            f"{found.acknowledged:,} of {found.due:,}",
            f"{found.worst_10s_percent:.2f}",
            f"{found.worst_1s_percent:.2f}",
            f"{found.late_p99_ms:.1f}",
        )


@dataclass(frozen=True, slots=True)
class ProfilesBench:
    """Every profile on one broker, on both paths."""

    name: str = "profiles"
    summary: str = "each profile's curve beside the rate that was measured, on both paths"

    def run(self, settings: Settings) -> None:
        """Send all, draw them, show how far off each was, and write it down."""
        results: list[Result] = []
        logs = settings.out / f"{self.name}-logs"
        with (
            tempfile.TemporaryDirectory(prefix="floodmark-bench-") as name,
            kafka_cluster(1, logs, Path(name), settings.report) as platform,
        ):
            for path, scale in _SCALES.items():
                for profile in profiles(scale):
                    if _can_be_sent(profile, path):
                        results.append(_measure(scenario_of(profile, path), platform, settings.report))
                results.append(_near_maximum(path, platform, settings.report))
        self._conclude(results, settings)

    def _conclude(self, results: list[Result], settings: Settings) -> None:
        pictures = [settings.out / f"{self.name}.{kind}" for kind in ("png", "svg")]
        draw(rows(results), _COLUMNS, pictures)
        file = settings.out / f"{self.name}.json"
        document = {"bench": self.name, "notes": _NOTES, "profiles": [r.as_json() for r in results]}
        save(file, document, engines=["kafka"])
        columns = ("profile", "path", "acknowledged", "worst 10 s, %", "worst 1 s, %", "late p99, ms")
        print_table("Profiles (measured)", columns, [result.row() for result in results])
        for note in _NOTES:
            settings.report(note)
        settings.report(f"results in {file}, drawn in {pictures[0]}")


def profiles(scale: float) -> tuple[AnyProfile, ...]:
    """One of each kind, at some thousands of events a second times ``scale``."""
    return (
        TraceProfile(),
        Constant(rate=4000 * scale),
        Ramp(start=1000 * scale, end=7000 * scale),
        Step(rates=(2000 * scale, 4000 * scale, 6000 * scale, 3000 * scale)),
        Diurnal(base=1000 * scale, peak=7000 * scale, peak_at=14 * 3600.0),
        Burst(base=2000 * scale, peak=8000 * scale, every=5.0, length=1.0),
        FlashCrowd(base=800 * scale, peak=8000 * scale, at=4.0, rise=5.0, hold=3.0, fall=5.0),
        SawTooth(base=1000 * scale, peak=7000 * scale, every=5.0),
    )


def rows(results: list[Result]) -> dict[str, list[Panel | str]]:
    """The panels by profile, in the order in which the paths stand."""
    found = {(result.profile, result.path): result.panel for result in results}
    names = dict.fromkeys(result.profile for result in results)
    return {name: [found.get((name, path), _NOT_OF_RECORD_BATCHES) for path in _SCALES] for name in names}


def scenario_of(profile: AnyProfile, path: LoadPath) -> Scenario:
    """The load of flights by this profile, into one broker."""
    return Scenario(
        name=f"bench-{profile.kind.replace('_', '-')}",
        description=f"The profile {profile.kind} on the path {path}",
        seed=1,
        topology=brokers_alone(1),
        pipeline=PipelineOptions(deploy=(), topics=TopicOptions(min_insync_replicas=1)),
        load=Load(
            trace=_TRACE.absolute(),
            events=_TRACE_EVENTS if profile.kind == "trace" else None,
            profile=profile,
            event_span=_EVENT_SPAN_S,
            duration=DURATION_S,
            path=path,
            users=_USERS[path],
        ),
    )


def _can_be_sent(profile: AnyProfile, path: LoadPath) -> bool:
    return path == "events" or not isinstance(profile, TraceProfile)


def _near_maximum(path: LoadPath, platform: Platform, report: Report) -> Result:
    """An even load at a share of what this machine, its broker included, keeps up with on this path.

    That is its slowest ten seconds of a load as long: a broker that has filled some gigabytes of memory is
    slower than at first, and the client is not to blame.
    """
    asked = TraceProfile() if path == "record_batches" else Constant(rate=_TOO_FAST_PER_S)
    hurried = scenario_of(asked, path)
    # As fast as it goes, the whole trace comes again and again, and each time takes its share of event time.
    short = {"event_span": DURATION_S, "events": None} if path == "record_batches" else {}
    load = hurried.load.model_copy(update=short)
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder:
        sent = send(hurried.model_copy(update={"load": load}), platform, Path(folder), report)
    maximum_per_s = sustained_per_s(sent)
    report(f"{path}: at most {maximum_per_s:,.0f} events/s in each 10 s")
    even = scenario_of(Constant(rate=SHARE_OF_MAXIMUM * maximum_per_s), path)
    return _measure(even, platform, report, name=f"{SHARE_OF_MAXIMUM:.0%} of the maximum")


def _measure(scenario: Scenario, platform: Platform, report: Report, name: str = "") -> Result:
    path, name = scenario.load.path, name or scenario.load.profile.kind
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder:
        load = send(scenario, platform, Path(folder), report)
    panel = Panel(curve=scenario.load.curve, load=load, accuracy=accuracy(load))
    report(f"{name}, {path}: at most {panel.accuracy.worst_10s_percent:.2f}% off in any 10 s")
    return Result(profile=name, path=path, panel=panel)
