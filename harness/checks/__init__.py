"""The checks that a scenario may name: a file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.batch.steps import Rerun
from harness.checks.acknowledged_lost import AcknowledgedLost
from harness.checks.altered import Altered
from harness.checks.batch import LAYER_CHECKS
from harness.checks.batch.reruns import RerunsUnchanged
from harness.checks.batches import BATCH_CHECKS
from harness.checks.catch_up_time import CatchUpTime
from harness.checks.dead_letters import DeadLetters
from harness.checks.drained import Drained
from harness.checks.duplicates import Duplicates, DuplicatesInSource
from harness.checks.faults_carried_out import FaultsCarriedOut
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

_OF_EVENTS: Final = frozenset(check.name for check in _IN_ORDER)
_OF_BATCHES: Final = frozenset(check.name for check in BATCH_CHECKS)
OF_BATCHES_ALONE: Final = _OF_BATCHES - _OF_EVENTS
"""Checks that only a load of whole batches can be judged by."""
FROM_INTENDED: Final = frozenset({"produce_latency", "load_on_schedule", "rate_accuracy"})
"""Checks of a load that means each event for a moment, which one that sends as fast as it can does not."""
BEHIND_SOURCE: Final = frozenset(
    {
        "dead_letters",
        "late_events",
        "windows_equal_oracle",
        "hot_events_equal_oracle",
        "hot_windows_equal_oracle",
        "drained",
        "freshness_windows",
        "freshness_hot",
        "hot_write_latency",
        "hot_read_latency",
        "hot_point_read_latency",
        "hot_range_read_latency",
        "catch_up_time",
    }
)
"""Checks of what lies behind the source topic, which is nothing where topics alone are deployed."""
OF_BATCH_LAYER: Final = frozenset(check.name for check in LAYER_CHECKS)
"""Checks of the batch layer, which needs to be deployed."""
_IN_SOURCE: Final[tuple[Check, ...]] = (UnaccountedInSource(), DuplicatesInSource())
"""What takes the place of the checks of these names where nothing lies behind the source topic."""
_EVENT_BY_EVENT: Final = frozenset({"altered"})
"""Checks of single records, which are not read back where whole batches are sent."""


def checks_for(scenario: Scenario) -> Mapping[str, Check]:
    """The checks that can tell something of a run of this scenario, by name and in order.

    Where whole batches are sent, the source topic is searched for these and not for events.
    """
    left_out = frozenset[str]() if scenario.pipeline.streams else BEHIND_SOURCE
    left_out |= frozenset[str]() if scenario.pipeline.batches else OF_BATCH_LAYER
    left_out |= frozenset[str]() if _carries_days_out_again(scenario) else {RerunsUnchanged.name}
    left_out |= _EVENT_BY_EVENT if scenario.load.sends_batches else frozenset[str]()
    fitting = {check.name: check for check in _IN_ORDER if check.name not in left_out}
    if not scenario.pipeline.streams:
        fitting |= {check.name: check for check in _IN_SOURCE}
    if scenario.load.sends_batches:
        fitting |= {check.name: check for check in (*BATCH_CHECKS, RateAccuracyOfBatches())}
    return MappingProxyType({name: fitting[name] for name in CHECKS if name in fitting})


def _carries_days_out_again(scenario: Scenario) -> bool:
    return scenario.batch is not None and any(isinstance(step, Rerun) for step in scenario.batch.steps)
