"""Every sending of an event of the plan: what the load's operations say, a row an event."""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

_SENDINGS: Final = """
-- No range reaches further than the plan, whatever the history says.
SELECT unnest(range(greatest(first_seq, 0), least(last_seq, (SELECT max(seq) FROM plan)) + 1)) AS seq,
       outcome, error, started_ns, completed_ns, count <> last_seq - first_seq + 1 AS torn
FROM operations WHERE kind = 'produce'
"""
_TORN: Final = """
SELECT count(*) FROM operations WHERE kind = 'produce' AND count <> last_seq - first_seq + 1
"""


def derive_sendings(history: History) -> None:
    """Make ``sendings (seq, outcome, error, started_ns, completed_ns, torn)``, a row a sending.

    ``seq`` is that of what was sent: a duplicate's own. ``torn``: its operation counts other events than its
    range of seq holds.
    """
    history.derive("sendings", _SENDINGS)


def why_torn(history: History) -> str:
    """Why it is not known which events were sent; "" where every operation counts those of its range."""
    torn = history.value(_TORN)
    return f"{torn:,} operations count other events than their range of seq holds" if torn else ""
