"""The checks that a scenario may name: of every run, and of what is deployed (harness/layers/ has those)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.judge.checks import fitness
from harness.judge.checks.events.acknowledged_lost import AcknowledgedLost
from harness.judge.checks.events.altered import Altered
from harness.judge.checks.events.duplicates import DuplicatesInSource
from harness.judge.checks.events.unaccounted import UnaccountedInSource
from harness.judge.checks.events.unacknowledged import Unacknowledged
from harness.judge.checks.record_batches.registry import RECORD_BATCH_CHECKS
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
    deployed_layers,
    probe_names,
    promised_copies,
    signals,
    steady_signals,
)
from harness.scenario.model import Scenario
from harness.scenario.setting import Setting

_OF_EVERY_RUN: Final = Checks(
    data=(
        Unacknowledged(),
        AcknowledgedLost(),
        UnaccountedInSource(),
        DuplicatesInSource(),
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
        RateAccuracy(),
        Throughput(),
        ProduceLatency(),
    ),
)
_GROUPS: Final = (_OF_EVERY_RUN, *(layer.checks for layer in LAYERS.values()))
_IN_ORDER: Final[tuple[Check, ...]] = (
    *(check for group in _GROUPS for check in group.data),
    *(check for group in _GROUPS for check in group.recovery),
    *(check for group in _GROUPS for check in group.speed),
)

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {check.name: check for check in (*RECORD_BATCH_CHECKS, *_IN_ORDER)}
)
"""In the order in which findings are listed: safety, then what faults did, then speed."""


def unfit(name: str, setting: Setting) -> str:
    """What a check would need in order to say anything of a run in this setting; "" where it can."""
    needs = (_layer_lacking(name, setting), fitness.unfit(name, setting))
    return ", and ".join(need for need in needs if need)


def checks_for(scenario: Scenario) -> Mapping[str, Check]:
    """The checks that can say something of a run of this scenario, by name and in order.

    Where whole batches are sent, the source topic is searched for these and not for events.
    """
    groups = (_OF_EVERY_RUN, *(layer.checks for layer in deployed_layers(scenario.pipeline)))
    checks = {check.name: check for group in groups for check in group.all}
    if scenario.load.sends_record_batches:
        checks |= {check.name: check for check in (*RECORD_BATCH_CHECKS, RateAccuracyOfRecordBatches())}
    setting = Setting.of(scenario)
    return MappingProxyType(
        {name: checks[name] for name in CHECKS if name in checks and not unfit(name, setting)}
    )


def _layer_lacking(name: str, setting: Setting) -> str:
    """The layers whose check this is, where none of them is deployed; "" elsewhere."""
    owners = [layer.name for layer in LAYERS.values() if name in {check.name for check in layer.checks.all}]
    of_every_run = name in {check.name for check in (*RECORD_BATCH_CHECKS, *_OF_EVERY_RUN.all)}
    if of_every_run or not owners or not setting.lacks_layers(owners):
        return ""
    return f"pipeline.deploy has {' or '.join(owners)}"
