"""Counts events that got their outcome, for Locust's statistics, possibly from another process."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Events that got their outcome since the last report, for Locust's statistics."""

    events: int = 0
    size_bytes: int = 0
    response_ms: Counter[int] = field(default_factory=Counter)
    """Events by response time, from the intended send if there was one, in whole milliseconds."""
    errors: Counter[str] = field(default_factory=Counter)
    """Events that were not acknowledged, by the reason."""

    def add(self, count: int, size_bytes: int, response_ms: int, error: str) -> None:
        """Count events of the same outcome; ``error`` is "" for those that were acknowledged."""
        self.events += count
        self.size_bytes += size_bytes
        self.response_ms[response_ms] += count
        if error:
            self.errors[error] += count

    def dump(self) -> bytes:
        """One line of JSON."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(counts).encode() + b"\n"

    @staticmethod
    def parse(line: bytes) -> Tally:
        """What ``dump`` wrote. Raises ValueError, TypeError or KeyError when it is not that."""
        counts = json.loads(line)
        response_ms = Counter({int(ms): events for ms, events in counts["response_ms"].items()})
        return Tally(counts["events"], counts["size_bytes"], response_ms, Counter(counts["errors"]))
