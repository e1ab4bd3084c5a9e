"""Why each malformed event of the plan is to be rejected, by the oracle's own reading of the contract."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from harness.history.reader import History
from harness.oracle.contract import contract_rules
from harness.oracle.rejection import rejection

_MALFORMED: Final = "SELECT seq, payload FROM plan JOIN payloads USING (seq) WHERE kind = 'malformed'"


def derive_malformed(history: History) -> None:
    """Make ``oracle_malformed (seq, reason)``; the reason is null where an event keeps the contract."""
    history.keep("oracle_malformed", lambda: _reasons(history.query(_MALFORMED)))


def _reasons(malformed: pa.Table) -> pa.Table:
    rules = contract_rules()
    reasons = [rejection(payload, rules) for payload in malformed["payload"].to_pylist()]
    return pa.table({"seq": malformed["seq"], "reason": pa.array(reasons, pa.string())})
