"""Data lies on as many nodes as promised, or the next dead disk is a loss that no kill has shown.

Promised are three copies, or as many as there are nodes; and that each write to a topic waits for as many of
them as the scenario's ``pipeline.topics.min_insync_replicas`` says.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import MAX_EXAMPLES
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.scenario.model import Scenario
from pipeline.contract.topics import TOPICS

_COPIES: Final = 3
_FACTOR: Final = "topic_replication_factor"
_IN_SYNC: Final = "topic_min_insync_replicas"
_OF_KEYSPACE: Final = "keyspace_replication_factor"
_OBSERVED: Final = """
SELECT DISTINCT metric, label, value::BIGINT AS copies FROM samples
WHERE metric IN ('topic_replication_factor', 'topic_min_insync_replicas', 'keyspace_replication_factor')
ORDER BY ALL
"""
_WORDS: Final = {
    _FACTOR: "copies of topic",
    _IN_SYNC: "copies in sync with each write to topic",
    _OF_KEYSPACE: "copies of keyspace",
}

Place = tuple[str, str]
"""A metric and the topic or keyspace that it is of."""


class Replication:
    """Counts what has another number of copies than promised; more of them were not asked for either."""

    name = "replication"
    describes = "topics and keyspaces that have not as many copies, or not as many in sync, as promised"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"samples"})

    def measure(self, history: History) -> Measurement:
        """How many numbers of copies are wrong; Unjudged when one is not known."""
        promised, factor = _promised(history.scenario), _copies(history.scenario, "kafka")
        observed = [((row["metric"], row["label"]), row["copies"]) for row in history.rows(_OBSERVED)]
        # What lies in a topic of Kafka's own is lost with it, too: offsets and transactions.
        wrong = {
            place: f"{copies} {_WORDS[place[0]]} {place[1]} instead of {promised.get(place, factor)}"
            for place, copies in observed
            if copies != promised.get(place, factor)
        }
        unknown = sorted({label for _, label in promised.keys() - dict(observed).keys()})
        if unknown and not wrong:
            return Unjudged(reason=f"it is not recorded how many copies there are of {', '.join(unknown)}")
        return Count(
            value=len(wrong),
            detail=f"of {len({place for place, _ in observed}):,} numbers of copies",
            examples=tuple(wrong[place] for place in sorted(wrong))[:MAX_EXAMPLES],
        )


def _promised(scenario: Scenario) -> dict[Place, int]:
    factor = _copies(scenario, "kafka")
    in_sync = min(scenario.pipeline.topics.min_insync_replicas, factor)
    promised = {(_FACTOR, topic): factor for topic in TOPICS}
    promised |= {(_IN_SYNC, topic): in_sync for topic in TOPICS}
    if scenario.pipeline.streams and (copies := _copies(scenario, "cassandra")):
        promised[_OF_KEYSPACE, "hot"] = copies
    return promised


def _copies(scenario: Scenario, service: str) -> int:
    return min(_COPIES, len(scenario.topology.at_home(service)))
