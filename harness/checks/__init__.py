"""The checks that a scenario may name: a file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.checks.acknowledged_lost import AcknowledgedLost
from harness.checks.altered import Altered
from harness.checks.batch import LAYER_CHECKS
from harness.checks.batches import BATCH_CHECKS
from harness.checks.catch_up_time import CatchUpTime
from harness.checks.dead_letters import DeadLetters
from harness.checks.drained import Drained
from harness.checks.duplicates import Duplicates, DuplicatesInSource
from harness.checks.faults_carried_out import FaultsCarriedOut
from harness.checks.fitness import unfit
from harness.checks.freshness import FreshnessHot, FreshnessWindows
from harness.checks.generator import GeneratorKeptUp
from harness.checks.hot_events import HotEventsEqualOracle
from harness.checks.hot_write_latency import HotWriteLatency
from harness.checks.late_events import LateEvents
from harness.checks.nodes_alive import NodesAlive
from harness.checks.operations import HotReadLatency, LoadOnSchedule, ProduceLatency
from harness.checks.protocol import Check
from harness.checks.rate_accuracy import RateAccuracy, RateAccuracyOfBatches
from harness.checks.read_latency import HotPointReadLatency, HotRangeReadLatency
from harness.checks.recovery_time import RecoveryTime
from harness.checks.replication import Replication
from harness.checks.steady_state import SteadyState
from harness.checks.throughput import Throughput
from harness.checks.unaccounted import Unaccounted, UnaccountedInSource
from harness.checks.unacknowledged import Unacknowledged
from harness.checks.window_results import HotWindowsEqualOracle, WindowsEqualOracle
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
    *LAYER_CHECKS,
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
    {check.name: check for check in (*BATCH_CHECKS, *_IN_ORDER)}
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
    if scenario.load.sends_batches:
        checks |= {check.name: check for check in (*BATCH_CHECKS, RateAccuracyOfBatches())}
    setting = Setting.of(scenario)
    return MappingProxyType(
        {name: checks[name] for name in CHECKS if name in checks and not unfit(name, setting)}
    )
