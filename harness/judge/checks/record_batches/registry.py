"""What the safety checks measure where whole batches were sent: the same words, counted in events."""

from __future__ import annotations

from typing import Final

from harness.judge.checks.record_batches.acknowledged_lost import AcknowledgedLostRecordBatches
from harness.judge.checks.record_batches.duplicates import DuplicateRecordBatches
from harness.judge.checks.record_batches.out_of_order import OutOfOrder
from harness.judge.checks.record_batches.unaccounted import UnaccountedRecordBatches
from harness.judge.checks.record_batches.unacknowledged import UnacknowledgedRecordBatches
from harness.judge.measure.protocol import Check

RECORD_BATCH_CHECKS: Final[tuple[Check, ...]] = (
    UnacknowledgedRecordBatches(),
    AcknowledgedLostRecordBatches(),
    UnaccountedRecordBatches(),
    DuplicateRecordBatches(),
    OutOfOrder(),
)
"""In place of the checks of the same names, which look at events one by one."""
