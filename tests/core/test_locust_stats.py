"""Locust's statistics of a load count events, not batches."""

from __future__ import annotations

import subprocess
import sys

_COUNT_TWICE = """
from collections import Counter
from locust.stats import RequestStats
from harness.load.tally import Tally
from harness.load.workers.stats import count

stats = RequestStats()
slow = Tally(events=10, size_bytes=500, response_ms=Counter({7: 9, 300: 1}), errors=Counter(late=1))
count(stats, "events", slow, 100.0)
count(stats, "events", Tally(events=5, size_bytes=250, response_ms=Counter({9: 5})), 101.0)
count(stats, "events", Tally(), 102.0)
entry = stats.get("events", "PRODUCE")
for each in (entry, stats.total):
    print(each.num_requests, each.num_failures, each.total_content_length, each.max_response_time)
print([(error.error, error.occurrences) for error in stats.errors.values()])
"""


def test_every_event_is_a_request_of_its_topic_and_of_all() -> None:
    # Locust patches the standard library of the process that imports it.
    done = subprocess.run(
        [sys.executable, "-c", _COUNT_TWICE], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["15 1 750 300", "15 1 750 300", "[('late', 1)]"]
