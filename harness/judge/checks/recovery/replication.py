"""Data lies on as many nodes as promised; otherwise a lost disk loses data, which no kill reveals.

The promise is three copies, or one per node where there are fewer nodes, and that each write to a topic waits
for the scenario's ``pipeline.topics.min_insync_replicas`` copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import MAX_EXAMPLES
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.scenario.model import Scenario
from pipeline.contract.topics import TOPICS

_COPIES: Final = 3
_FACTOR: Final = "topic_replication_factor"
_IN_SYNC: Final = "topic_min_insync_replicas"
_OBSERVED: Final = """
SELECT DISTINCT metric, label, value::BIGINT AS copies FROM samples
WHERE list_contains($metrics, metric) ORDER BY ALL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The number of copies promised of one thing."""

    metric: str
    """The metric of the samples with the actual number."""
    label: str
    copies: int
    words: str
    """The phrase for what is counted: ``copies of topic``."""


class Replication(SafetyCheck):
    """Counts numbers of copies that differ from the promise, too many included."""

    name = "replication"
    describes = "topics and keyspaces with other numbers of copies, or of copies in sync, than promised"
    needs: Set[str] = frozenset({"samples"})

    def __init__(self, promised: Callable[[Scenario], Iterable[Promise]]) -> None:
        """``promised`` returns what the deployed layers promise besides the copies of the topics."""
        self._promised = promised

    def measure(self, history: History) -> Measurement:
        """The number of wrong numbers of copies; Unjudged when one is unknown."""
        factor = copies_promised(history.scenario, "kafka")
        promised = [*_of_topics(history.scenario, factor), *self._promised(history.scenario)]
        copies = {(promise.metric, promise.label): promise.copies for promise in promised}
        words = {promise.metric: promise.words for promise in promised}
        rows = history.rows(_OBSERVED, {"metrics": list(words)})
        observed = [((row["metric"], row["label"]), row["copies"]) for row in rows]
        # Kafka's own topics count as well: offsets and transactions are lost with them.
        wrong = {
            place: f"{found} {words[place[0]]} {place[1]} instead of {copies.get(place, factor)}"
            for place, found in observed
            if found != copies.get(place, factor)
        }
        unknown = sorted({label for _, label in copies.keys() - dict(observed).keys()})
        if unknown and not wrong:
            return Unjudged(reason=f"no record of the number of copies of {', '.join(unknown)}")
        return Count(
            value=len(wrong),
            detail=f"of {len({place for place, _ in observed}):,} numbers of copies",
            examples=tuple(wrong[place] for place in sorted(wrong))[:MAX_EXAMPLES],
        )


def _of_topics(scenario: Scenario, factor: int) -> Iterator[Promise]:
    in_sync = min(scenario.pipeline.topics.min_insync_replicas, factor)
    for topic in TOPICS:
        yield Promise(metric=_FACTOR, label=topic, copies=factor, words="copies of topic")
        words = "copies in sync with each write to topic"
        yield Promise(metric=_IN_SYNC, label=topic, copies=in_sync, words=words)


def copies_promised(scenario: Scenario, service: str) -> int:
    """The copies promised of data on a service's nodes: three, or one per node where there are fewer."""
    return min(_COPIES, len(scenario.topology.at_home(service)))
