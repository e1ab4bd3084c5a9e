"""The checks that a scenario may name: a file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.checks.acknowledged_lost import AcknowledgedLost
from harness.checks.dead_letters import DeadLetters
from harness.checks.drained import Drained
from harness.checks.duplicates import Duplicates
from harness.checks.faults_carried_out import FaultsCarriedOut
from harness.checks.freshness import FreshnessHot, FreshnessWindows
from harness.checks.hot_events import HotEventsEqualOracle
from harness.checks.hot_write_latency import HotWriteLatency
from harness.checks.late_events import LateEvents
from harness.checks.nodes_alive import NodesAlive
from harness.checks.operations import HotReadLatency, LoadOnSchedule, ProduceLatency
from harness.checks.protocol import Check
from harness.checks.recovery_time import RecoveryTime
from harness.checks.steady_state import SteadyState
from harness.checks.throughput import Throughput
from harness.checks.unaccounted import Unaccounted
from harness.checks.unacknowledged import Unacknowledged
from harness.checks.window_results import HotWindowsEqualOracle, WindowsEqualOracle

_IN_ORDER: Final[tuple[Check, ...]] = (
    Unacknowledged(),
    AcknowledgedLost(),
    Unaccounted(),
    Duplicates(),
    DeadLetters(),
    LateEvents(),
    WindowsEqualOracle(),
    HotEventsEqualOracle(),
    HotWindowsEqualOracle(),
    SteadyState(),
    FaultsCarriedOut(),
    NodesAlive(),
    RecoveryTime(),
    Drained(),
    LoadOnSchedule(),
    Throughput(),
    ProduceLatency(),
    FreshnessWindows(),
    FreshnessHot(),
    HotWriteLatency(),
    HotReadLatency(),
)

CHECKS: Final[Mapping[str, Check]] = MappingProxyType({check.name: check for check in _IN_ORDER})
"""In the order in which findings are listed: safety, then what faults did, then speed."""
