"""The checks of the lake, where it is deployed."""

from __future__ import annotations

from typing import Final

from harness.judge.checks.lake.costs import LakeBytes, LakeCpu
from harness.judge.checks.lake.duration import LakeDuration
from harness.judge.checks.lake.gates import GatesEvaluated
from harness.judge.checks.lake.gold import GoldEqualsOracle
from harness.judge.checks.lake.layers import BronzeEqualsOracle, SilverEqualsOracle
from harness.judge.checks.lake.pruning import Pruning
from harness.judge.checks.lake.published import DaysPublished
from harness.judge.checks.lake.reconciled import Reconciled
from harness.judge.checks.lake.reruns import RerunsUnchanged
from harness.judge.measure.protocol import Check

LAKE_CHECKS: Final[tuple[Check, ...]] = (
    BronzeEqualsOracle(),
    SilverEqualsOracle(),
    GoldEqualsOracle(),
    Reconciled(),
    GatesEvaluated(),
    DaysPublished(),
    RerunsUnchanged(),
    Pruning(),
    LakeDuration(),
    LakeCpu(),
    LakeBytes(),
)
"""Safety first, then cost."""
