"""Data lies on as many nodes as promised, or the next dead disk is a loss that no kill has shown.

Promised are three copies, or as many as there are nodes; and that each write to a topic waits for as many of
them as the scenario's ``pipeline.topics.min_insync_replicas`` says.
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
    """How many copies there are to be of one thing."""

    metric: str
    """Under which the copies that there are were sampled."""
    label: str
    copies: int
    words: str
    """What is counted: ``copies of topic``."""


class Replication(SafetyCheck):
    """Counts what has another number of copies than promised; more of them were not asked for either."""

    name = "replication"
    describes = "topics and keyspaces that have not as many copies, or not as many in sync, as promised"
    needs: Set[str] = frozenset({"samples"})

    def __init__(self, promised: Callable[[Scenario], Iterable[Promise]]) -> None:
        """``promised``: what the deployed layers promise besides the copies of the topics."""
        self._promised = promised

    def measure(self, history: History) -> Measurement:
        """How many numbers of copies are wrong; Unjudged when one is not known."""
        factor = copies_promised(history.scenario, "kafka")
        promised = [*_of_topics(history.scenario, factor), *self._promised(history.scenario)]
        copies = {(promise.metric, promise.label): promise.copies for promise in promised}
        words = {promise.metric: promise.words for promise in promised}
        rows = history.rows(_OBSERVED, {"metrics": list(words)})
        observed = [((row["metric"], row["label"]), row["copies"]) for row in rows]
        # What lies in a topic of Kafka's own is lost with it, too: offsets and transactions.
        wrong = {
            place: f"{found} {words[place[0]]} {place[1]} instead of {copies.get(place, factor)}"
            for place, found in observed
            if found != copies.get(place, factor)
        }
        unknown = sorted({label for _, label in copies.keys() - dict(observed).keys()})
        if unknown and not wrong:
            return Unjudged(reason=f"it is not recorded how many copies there are of {', '.join(unknown)}")
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
    """Of what lies on the nodes of a service: three, or as many as there are nodes."""
    return min(_COPIES, len(scenario.topology.at_home(service)))
