"""Counts completed events for Locust's statistics, possibly in another process."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Events completed since the last report."""

    events: int = 0
    size_bytes: int = 0
    response_ms: Counter[int] = field(default_factory=Counter)
    """Events by response time in whole milliseconds, measured from the intended send if there was one."""
    errors: Counter[str] = field(default_factory=Counter)
    """Events that were not acknowledged, by reason."""

    def add(self, count: int, size_bytes: int, response_ms: int, error: str) -> None:
        """Count events with the same outcome; ``error`` is "" for acknowledged ones."""
        self.events += count
        self.size_bytes += size_bytes
        self.response_ms[response_ms] += count
        if error:
            self.errors[error] += count

    def dump(self) -> bytes:
        """Encode as one line of JSON."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(counts).encode() + b"\n"

    @staticmethod
    def parse(line: bytes) -> Tally:
        """Parse a line written by ``dump``. Raises ValueError, TypeError or KeyError for any other."""
        counts = json.loads(line)
        response_ms = Counter({int(ms): events for ms, events in counts["response_ms"].items()})
        return Tally(counts["events"], counts["size_bytes"], response_ms, Counter(counts["errors"]))
