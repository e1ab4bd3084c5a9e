"""The readers' own locustfile with a hot store that answers after ten milliseconds, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from locust import events

from harness.load.locust.readers_locustfile import Reader
from harness.load.readers import hot

__all__ = ["Reader"]


class SlowSession:
    """Answers every statement with two rows, waiting as the driver does in Locust's process."""

    def prepare(self, statement: str) -> str:
        return statement

    def execute(self, statement: str, values: Any) -> list[tuple[str, float]]:
        import time  # noqa: PLC0415 -- Locust has replaced what it does

        time.sleep(0.01)
        return [("found", 1.0)] * 2


@contextmanager
def hot_session(endpoint: object, *, timeout_s: float) -> Iterator[SlowSession]:
    yield SlowSession()


def say(environment: Any, **_: Any) -> None:
    """What Locust counted, for the test to read."""
    for (name, method), entry in environment.stats.entries.items():
        print("counted", method, name, entry.num_requests, entry.total_content_length)  # noqa: T201


hot.hot_session = hot_session  # type: ignore[assignment]
events.quitting.add_listener(say)  # type: ignore[no-untyped-call]
