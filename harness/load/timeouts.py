"""How long a load's clients try, and how whoever waits for the load knows when to stop. In seconds."""

from __future__ import annotations

from typing import Final

DELIVERY_TIMEOUT_S: Final = 60.0
"""So long an event is retried."""
FLUSH_TIMEOUT_S: Final = 65.0
"""So long after the last event was sent its answer is waited for: a little more than it is retried."""
