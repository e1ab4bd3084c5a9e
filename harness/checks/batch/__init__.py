"""What the batch layer is judged by, where it is deployed."""

from __future__ import annotations

from typing import Final

from harness.checks.batch.costs import BatchBytes, BatchCpu
from harness.checks.batch.duration import BatchDuration
from harness.checks.batch.gates import GatesEvaluated
from harness.checks.batch.gold import GoldEqualsOracle
from harness.checks.batch.layers import BronzeEqualsOracle, SilverEqualsOracle
from harness.checks.batch.pruning import Pruning
from harness.checks.batch.published import DaysPublished
from harness.checks.batch.reconciled import Reconciled
from harness.checks.batch.reruns import RerunsUnchanged
from harness.checks.protocol import Check

LAYER_CHECKS: Final[tuple[Check, ...]] = (
    BronzeEqualsOracle(),
    SilverEqualsOracle(),
    GoldEqualsOracle(),
    Reconciled(),
    GatesEvaluated(),
    DaysPublished(),
    RerunsUnchanged(),
    Pruning(),
    BatchDuration(),
    BatchCpu(),
    BatchBytes(),
)
"""Safety first, then what it cost."""
