"""Measures when results can first be queried: ``python -m harness.observe.prober.prober --config FILE``.

Reads of the hot store at QUORUM are sent on a fixed schedule, regardless of earlier ones: two for sampled
events, then one for window results. The targets are recorded first, in ``sought``, since a target never seen
leaves no other trace. Each read is an operation of the history. First sightings are recorded in ``seen`` with
the time of the answer: an age is overestimated by at most the time between two reads.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Final

from cassandra import OperationTimedOut

from harness.base.event_clock import days_between
from harness.base.waiting import wait_until
from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.history.operations import OperationsWriter, Outcome
from harness.history.writer import TableWriter
from harness.observe.prober.probe_plan import ProbePlan, ProberConfig, probe_plan
from harness.observe.prober.probe_reads import Answer, EventRead, Reads
from harness.observe.prober.seeking import EventSeeker, WindowSeeker
from pipeline.base.endpoints import Endpoints

_LOG: Final = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
_WINDOW_LOOKBACK_S: Final = 120.0
_WINDOW_DAYS_MAX: Final = 8


class Prober:
    """Reads on a schedule and records the answers."""

    def __init__(self, config: ProberConfig) -> None:
        self._clock, self._events_clock = config.clocks.run_clock, config.clocks.event_clock
        self._interval_ns = round(1e9 / config.reads_per_s)
        self._timeout_s = config.timeout_s
        plan = probe_plan(
            config.plan,
            self._events_clock,
            samples=max(1, round(config.samples_per_s * config.duration_s)),
            entities=config.entities,
            categories=config.categories,
        )
        _record_sought(plan, config)
        self._events, self._windows = EventSeeker(plan.events), WindowSeeker(plan.windows)
        self._operations = OperationsWriter(config.history, config.worker, self._clock)
        self._seen = TableWriter(config.history, "seen", config.worker)

    def run(self, reads: Reads, stop: threading.Event) -> None:
        """Read until ``stop`` is set, then wait for the answers under way."""
        intended_ns = self._clock.now_ns()
        for send_read in cycle((self._read_events, self._read_events, self._read_windows)):
            if stop.wait(max(0.0, (intended_ns - self._clock.now_ns()) / 1e9)):
                break
            send_read(reads, intended_ns)
            self._take(reads)
            intended_ns += self._interval_ns
        self._take_last(reads)

    def close(self) -> None:
        """Write everything pending."""
        self._operations.close()
        self._seen.close()

    def _read_events(self, reads: Reads, intended_ns: int) -> None:
        self._events.await_sent(self._clock.now_ns())
        if turn := self._events.next_read():
            reads.events(*turn, intended_ns)

    def _read_windows(self, reads: Reads, intended_ns: int) -> None:
        turn = self._windows.next_read()
        if turn is not None:
            key, limit = turn
            reads.windows(key, self._days(intended_ns), limit, intended_ns)

    def _days(self, now_ns: int) -> list[date]:
        """The days in which windows may have closed recently, by the event clock."""
        now_ms = self._events_clock.event_time_ms(self._events_clock.offset_ms(now_ns))
        lookback_ms = round(_WINDOW_LOOKBACK_S * 1000 * self._events_clock.time_scale)
        return days_between(now_ms - lookback_ms, now_ms, at_most=_WINDOW_DAYS_MAX)

    def _take(self, reads: Reads) -> None:
        for answer in reads.take_answers():
            self._record(answer)
            if answer.error is None:
                self._see(answer)
        self._operations.flush_if_due()
        self._seen.flush_if_due()

    def _take_last(self, reads: Reads) -> None:
        """Wait for the last answers: each read gets one within its time-out, if only an error."""

        def all_taken() -> bool:
            self._take(reads)
            return not reads.under_way

        wait_until(all_taken, timeout_s=self._timeout_s + 1, what="the last answers of the hot store")

    def _record(self, answer: Answer) -> None:
        outcome: Outcome = "ok"
        if answer.error is not None:
            outcome = "unknown" if isinstance(answer.error, OperationTimedOut) else "fail"
        self._operations.add(
            kind="hot_read",
            first_seq=-1,
            last_seq=-1,
            partition=-1,
            count=1,
            bytes=0,
            intended_ns=answer.intended_ns,
            started_ns=answer.started_ns,
            completed_ns=answer.completed_ns,
            outcome=outcome,
            error="" if answer.error is None else type(answer.error).__name__,
        )

    def _see(self, answer: Answer) -> None:
        read = answer.read
        if isinstance(read, EventRead):
            for event_id, time_ms in self._events.found(read.partition, answer.rows):
                self._seen.add(
                    at_ns=answer.completed_ns,
                    store="hot_events",
                    key=read.partition[0],
                    event_id=event_id,
                    event_time_ms=time_ms,
                    window_kind="",
                    window_start_ms=0,
                )
            return
        for start_ms, end_ms in self._windows.found(read.key, answer.rows, read.limit):
            self._seen.add(
                at_ns=answer.completed_ns,
                store="hot_windows",
                key=read.key.key,
                event_id="",
                event_time_ms=end_ms,
                window_kind=read.key.kind,
                window_start_ms=start_ms,
            )


def _record_sought(plan: ProbePlan, config: ProberConfig) -> None:
    """Record the prober's targets."""
    with TableWriter(config.history, "sought", config.worker) as table:
        for event in plan.events:
            table.add(
                store="hot_events",
                key=event.entity_id,
                event_id=event.event_id,
                event_time_ms=event.event_time_ms,
                window_kind="",
                send_ns=event.send_ns,
            )
        for window in plan.windows:
            table.add(
                store="hot_windows",
                key=window.key,
                event_id="",
                event_time_ms=0,
                window_kind=window.kind,
                send_ns=0,
            )


def probe(config: ProberConfig, stop: threading.Event) -> None:
    """Probe until ``stop`` is set. Retries while the hot store is not reachable."""
    prober = Prober(config)
    endpoint = Endpoints.load(config.endpoints).cassandra
    try:
        while not stop.is_set():
            try:
                with hot_session(endpoint, timeout_s=config.timeout_s) as session:
                    prober.run(Reads(session, config.clocks.run_clock.now_ns), stop)
            except HOT_STORE_ERRORS as error:
                _LOG.warning("the hot store cannot be probed yet: %s: %s", type(error).__name__, error)
                stop.wait(_RETRY_S)
    finally:
        prober.close()


def main() -> None:
    """Probe as configured by ``--config``, until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description="Measures when results can first be queried in the hot store."
    )
    parser.add_argument("--config", type=Path, required=True, help="file written by ProberConfig.save")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    probe(ProberConfig.load(parser.parse_args().config), stop)


if __name__ == "__main__":
    main()
