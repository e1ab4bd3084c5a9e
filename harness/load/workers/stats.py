"""Locust's statistics of a load: one request is one event, although outcomes become known many at a time."""

from __future__ import annotations

from locust.stats import RequestStats, StatsEntry, StatsEntryDict, StatsError, bucket_response_time

from harness.load.tally import Tally

_METHOD = "PRODUCE"


def count(stats: RequestStats, topic: str, tally: Tally, at_unix_s: float) -> None:
    """Add a tally to the statistics in the way that Locust itself adds what its workers report."""
    if not tally.events:
        return
    for name, method in ((topic, _METHOD), ("Aggregated", "")):
        entry = stats.get(topic, _METHOD) if method else stats.total
        entry.extend(StatsEntry.unserialize(_entry(name, method, tally, at_unix_s), stats))
    for error, events in tally.errors.items():
        key = StatsError.create_key(_METHOD, topic, error)
        known = stats.errors.setdefault(key, StatsError(_METHOD, topic, error))
        known.occurrences += events


def _entry(name: str, method: str, tally: Tally, at_unix_s: float) -> StatsEntryDict:
    failures = sum(tally.errors.values())
    buckets: dict[int, int] = {}
    for response_ms, events in tally.response_ms.items():
        bucket = bucket_response_time(response_ms)
        buckets[bucket] = buckets.get(bucket, 0) + events
    return StatsEntryDict(
        name=name,
        method=method,
        last_request_timestamp=at_unix_s,
        start_time=at_unix_s,
        num_requests=tally.events,
        num_none_requests=0,
        num_failures=failures,
        total_response_time=sum(ms * events for ms, events in tally.response_ms.items()),
        max_response_time=max(tally.response_ms),
        min_response_time=min(tally.response_ms),
        total_content_length=tally.size_bytes,
        response_times=buckets,
        num_reqs_per_sec={int(at_unix_s): tally.events},
        num_fail_per_sec={int(at_unix_s): failures} if failures else {},
    )
