"""What the safety checks measure where whole batches were sent: the same words, counted in events."""

from __future__ import annotations

from typing import Final

from harness.checks.batches.acknowledged_lost import AcknowledgedLostBatches
from harness.checks.batches.duplicates import DuplicateBatches
from harness.checks.batches.out_of_order import OutOfOrder
from harness.checks.batches.unaccounted import UnaccountedBatches
from harness.checks.batches.unacknowledged import UnacknowledgedBatches
from harness.checks.protocol import Check

BATCH_CHECKS: Final[tuple[Check, ...]] = (
    UnacknowledgedBatches(),
    AcknowledgedLostBatches(),
    UnaccountedBatches(),
    DuplicateBatches(),
    OutOfOrder(),
)
"""In place of the checks of the same names, which look at events one by one."""
