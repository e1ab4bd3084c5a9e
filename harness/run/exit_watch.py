"""Notes every process of the platform that ends, whoever ended it; which ends were deaths, a check says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.backends.protocol import NodeStatus
from harness.base.exits import how_ended
from harness.base.report import Report
from harness.run.recorder import Recorder


@dataclass(kw_only=True)
class EndWatch:
    """The platform knows each end and its time, so that a look may come late and misses nothing."""

    status: Callable[[], tuple[NodeStatus, ...]]
    recorder: Recorder
    report: Report
    _noted: Counter[str] = field(default_factory=Counter)

    def look(self) -> tuple[NodeStatus, ...]:
        """Every process now, once each end since the last look is noted. Raises ``PlatformError``."""
        statuses = self.status()
        for one in statuses:
            for end in one.ends[self._noted[one.name] :]:
                self.recorder.ended(one.name, end)
                self.report(f"{one.name} ended {how_ended(end.exit)}")
            self._noted[one.name] = len(one.ends)
        return statuses
