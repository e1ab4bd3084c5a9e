"""The checks that a scenario may name: those of every run and of the deployed layers (harness/layers/).

A name may have several implementations for different deployments or loads. At most one fits any scenario;
each check declares what it fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.judge.checks.events.acknowledged_lost import AcknowledgedLost
from harness.judge.checks.events.altered import Altered
from harness.judge.checks.events.duplicates import DuplicatesInSource
from harness.judge.checks.events.unaccounted import UnaccountedInSource
from harness.judge.checks.events.unacknowledged import Unacknowledged
from harness.judge.checks.record_batches.acknowledged_lost import AcknowledgedLostRecordBatches
from harness.judge.checks.record_batches.duplicates import DuplicateRecordBatches
from harness.judge.checks.record_batches.out_of_order import OutOfOrder
from harness.judge.checks.record_batches.unaccounted import UnaccountedRecordBatches
from harness.judge.checks.record_batches.unacknowledged import UnacknowledgedRecordBatches
from harness.judge.checks.recovery.faults_carried_out import FaultsCarriedOut
from harness.judge.checks.recovery.nodes_alive import NodesAlive
from harness.judge.checks.recovery.recovery_time import RecoveryTime
from harness.judge.checks.recovery.replication import Replication
from harness.judge.checks.recovery.steady_state import SteadyState
from harness.judge.checks.speed.generator import GeneratorKeptUp
from harness.judge.checks.speed.operations import LoadOnSchedule, ProduceLatency
from harness.judge.checks.speed.rate_accuracy import RateAccuracy, RateAccuracyOfRecordBatches
from harness.judge.checks.speed.throughput import Throughput
from harness.judge.measure.protocol import Check
from harness.layers.protocol import Checks
from harness.layers.registry import (
    LAYERS,
    probe_names,
    promised_copies,
    signals,
    steady_signals,
)
from harness.scenario.model import Scenario
from harness.scenario.setting import Setting

_OF_EVERY_RUN: Final = Checks(
    data=(
        UnacknowledgedRecordBatches(),
        Unacknowledged(),
        AcknowledgedLostRecordBatches(),
        AcknowledgedLost(),
        UnaccountedRecordBatches(),
        UnaccountedInSource(),
        DuplicateRecordBatches(),
        DuplicatesInSource(),
        OutOfOrder(),
        Altered(),
    ),
    recovery=(
        SteadyState(steady_signals),
        FaultsCarriedOut(),
        NodesAlive(probe_names()),
        Replication(promised_copies),
        RecoveryTime(signals),
    ),
    speed=(
        LoadOnSchedule(),
        GeneratorKeptUp(),
        RateAccuracyOfRecordBatches(),
        RateAccuracy(),
        Throughput(),
        ProduceLatency(),
    ),
)
_GROUPS: Final = (_OF_EVERY_RUN, *(layer.checks for layer in LAYERS.values()))
IMPLEMENTATIONS: Final[tuple[Check, ...]] = (
    *(check for group in _GROUPS for check in group.data),
    *(check for group in _GROUPS for check in group.recovery),
    *(check for group in _GROUPS for check in group.speed),
)
"""Every check, including those that share a name."""

CHECKS: Final[Mapping[str, Check]] = MappingProxyType({check.name: check for check in IMPLEMENTATIONS})
"""One for each name, in the order in which findings are listed: safety, then what faults did, then speed.

All checks of a name have the same limits. The one listed here covers the most: everything behind the source
topic.
"""


def checks_for(scenario: Scenario) -> Mapping[str, Check]:
    """Return the checks that fit a scenario, by name and in order."""
    setting = Setting.of(scenario)
    fit = {check.name: check for check in IMPLEMENTATIONS if not check.unfit(setting)}
    return MappingProxyType({name: fit[name] for name in CHECKS if name in fit})


def unfit(name: str, setting: Setting) -> str:
    """Return what a scenario lacks for a check of this name; "" if nothing.

    Where no implementation fits, the one that lacks the least answers.
    """
    return min((check.unfit(setting) for check in IMPLEMENTATIONS if check.name == name), key=len)
