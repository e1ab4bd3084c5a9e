"""Finds out when things can first be queried: ``python -m harness.observe.prober.prober --config FILE``.

Reads of the hot store at QUORUM go out on a fixed schedule, whatever becomes of those before: two looks for
sampled events, then one for window results. What is going to be looked for is noted first, in ``sought``,
since what was never seen leaves no other trace. Each read is an operation of the history. What is seen for
the first time goes into ``seen``, at the time at which the answer came: an age is told too long by at most
the time between two looks.
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
from harness.observe.prober.probe_plan import ProbePlan, probe_plan
from harness.observe.prober.probe_reads import Answer, EventRead, Reads
from harness.observe.prober.prober_config import ProberConfig
from harness.observe.prober.seeking import EventSeeker, WindowSeeker
from pipeline.base.endpoints import Endpoints

_LOG: Final = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
_WINDOW_LOOKBACK_S: Final = 120.0
_WINDOW_DAYS_MAX: Final = 8


class Prober:
    """One prober: what it looks for, and what it writes down."""

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
        note_sought(plan, config)
        self._events, self._windows = EventSeeker(plan.events), WindowSeeker(plan.windows)
        self._operations = OperationsWriter(config.history, config.worker, self._clock)
        self._seen = TableWriter(config.history, "seen", config.worker)

    def run(self, reads: Reads, stop: threading.Event) -> None:
        """Look until told to stop, then wait for the answers that are under way."""
        intended_ns = self._clock.now_ns()
        for look in cycle((self._look_for_events, self._look_for_events, self._look_for_windows)):
            if stop.wait(max(0.0, (intended_ns - self._clock.now_ns()) / 1e9)):
                break
            look(reads, intended_ns)
            self._take(reads)
            intended_ns += self._interval_ns
        self._take_last(reads)

    def close(self) -> None:
        """Write what waits."""
        self._operations.close()
        self._seen.close()

    def _look_for_events(self, reads: Reads, intended_ns: int) -> None:
        self._events.await_sent(self._clock.now_ns())
        if turn := self._events.next_read():
            reads.events(*turn, intended_ns)

    def _look_for_windows(self, reads: Reads, intended_ns: int) -> None:
        turn = self._windows.next_read()
        if turn is not None:
            key, limit = turn
            reads.windows(key, self._days(intended_ns), limit, intended_ns)

    def _days(self, now_ns: int) -> list[date]:
        """The days in which windows may have closed lately, by the event clock."""
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
        """The driver answers every read within its time-out, if only with an error."""

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


def note_sought(plan: ProbePlan, config: ProberConfig) -> None:
    """Write down what is going to be looked for."""
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
    """Probe until ``stop`` is set. A hot store that is not there yet is asked again."""
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
    """Probe as the file of the command line says, until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description="Finds out when things can first be queried in the hot store."
    )
    parser.add_argument("--config", type=Path, required=True, help="a file that ProberConfig.save wrote")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    probe(ProberConfig.load(parser.parse_args().config), stop)


if __name__ == "__main__":
    main()
