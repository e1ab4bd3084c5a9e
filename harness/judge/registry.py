"""The checks that a scenario may name: a file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.judge.checks.events.acknowledged_lost import AcknowledgedLost
from harness.judge.checks.events.altered import Altered
from harness.judge.checks.events.dead_letters import DeadLetters
from harness.judge.checks.events.duplicates import Duplicates, DuplicatesInSource
from harness.judge.checks.events.hot_events import HotEventsEqualOracle
from harness.judge.checks.events.late_events import LateEvents
from harness.judge.checks.events.unaccounted import Unaccounted, UnaccountedInSource
from harness.judge.checks.events.unacknowledged import Unacknowledged
from harness.judge.checks.events.window_results import HotWindowsEqualOracle, WindowsEqualOracle
from harness.judge.checks.fitness import unfit
from harness.judge.checks.lake.registry import LAKE_CHECKS
from harness.judge.checks.record_batches.registry import RECORD_BATCH_CHECKS
from harness.judge.checks.recovery.catch_up_time import CatchUpTime
from harness.judge.checks.recovery.drained import Drained
from harness.judge.checks.recovery.faults_carried_out import FaultsCarriedOut
from harness.judge.checks.recovery.nodes_alive import NodesAlive
from harness.judge.checks.recovery.recovery_time import RecoveryTime
from harness.judge.checks.recovery.replication import Replication
from harness.judge.checks.recovery.steady_state import SteadyState
from harness.judge.checks.speed.freshness import FreshnessHot, FreshnessWindows
from harness.judge.checks.speed.generator import GeneratorKeptUp
from harness.judge.checks.speed.hot_write_latency import HotWriteLatency
from harness.judge.checks.speed.operations import HotReadLatency, LoadOnSchedule, ProduceLatency
from harness.judge.checks.speed.rate_accuracy import RateAccuracy, RateAccuracyOfRecordBatches
from harness.judge.checks.speed.read_latency import HotPointReadLatency, HotRangeReadLatency
from harness.judge.checks.speed.throughput import Throughput
from harness.judge.measure.protocol import Check
from harness.scenario.model import Scenario
from harness.scenario.setting import Setting

_IN_ORDER: Final[tuple[Check, ...]] = (
    Unacknowledged(),
    AcknowledgedLost(),
    Unaccounted(),
    Duplicates(),
    Altered(),
    DeadLetters(),
    LateEvents(),
    WindowsEqualOracle(),
    HotEventsEqualOracle(),
    HotWindowsEqualOracle(),
    *LAKE_CHECKS,
    SteadyState(),
    FaultsCarriedOut(),
    NodesAlive(),
    Replication(),
    RecoveryTime(),
    CatchUpTime(),
    Drained(),
    LoadOnSchedule(),
    GeneratorKeptUp(),
    RateAccuracy(),
    Throughput(),
    ProduceLatency(),
    FreshnessWindows(),
    FreshnessHot(),
    HotWriteLatency(),
    HotReadLatency(),
    HotPointReadLatency(),
    HotRangeReadLatency(),
)

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {check.name: check for check in (*RECORD_BATCH_CHECKS, *_IN_ORDER)}
)
"""In the order in which findings are listed: safety, then what faults did, then speed."""

_IN_SOURCE: Final[tuple[Check, ...]] = (UnaccountedInSource(), DuplicatesInSource())
"""What takes the place of the checks of these names where nothing lies behind the source topic."""


def checks_for(scenario: Scenario) -> Mapping[str, Check]:
    """The checks that can tell something of a run of this scenario, by name and in order.

    Where whole batches are sent, the source topic is searched for these and not for events.
    """
    checks = {check.name: check for check in _IN_ORDER}
    if not scenario.pipeline.streams:
        checks |= {check.name: check for check in _IN_SOURCE}
    if scenario.load.sends_record_batches:
        checks |= {check.name: check for check in (*RECORD_BATCH_CHECKS, RateAccuracyOfRecordBatches())}
    setting = Setting.of(scenario)
    return MappingProxyType(
        {name: checks[name] for name in CHECKS if name in checks and not unfit(name, setting)}
    )
