"""A worker that joins from another machine: fetches what it lacks, and hands over what it recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError
from harness.history.progress import LoadProgress
from harness.load.join.clock_offset import (
    ClockOffset,
    Exchange,
    estimate,
    on_one_machine,
    throughout,
)
from harness.load.join.messages import (
    Asks,
    Delivered,
    Joins,
    Offer,
    Part,
    Refused,
    Unable,
    Wants,
    boot_id,
    host_name,
)
from harness.load.join.transfer import Incoming, chunk_of
from harness.load.target import Needs, check_target
from harness.load.workers.config import LoadConfig
from harness.load.workers.join_config import FileFacts, SharedName
from pipeline.base.endpoints import Endpoints

UNABLE: Final = (OSError, ValueError, KeyError, TypeError, PlatformError)
"""Errors that keep a worker from taking part, or from handing over its records."""
_PINGS: Final = 16
_FIRST_ANSWER_S: Final = 5.0
_FIRST_TRIES: Final = 12
"""A master that has only just begun to listen may miss the first question."""


class JoinedWorker:
    """Connects a worker's part of the load with its master. Everything that it writes is in its folder."""

    def __init__(
        self,
        ask: Asks,
        *,
        folder: Path,
        cache: Path,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._ask, self._monotonic_ns = ask, monotonic_ns
        self._folder, self._cache = folder, cache
        self._shares_clock = False

    def prepare(self, set_up: Callable[[LoadConfig], None]) -> None:
        """Get ready, pass the load to ``set_up``, and report to the master.

        Raises Refused, and one of ``UNABLE`` when this worker cannot take part.
        """
        offer = Offer.model_validate_json(self._first_answer())
        try:
            self._get_ready(offer)
            set_up(self._config)
        except Refused:
            raise
        except UNABLE as error:
            self._ask("unable", Unable(why=str(error)[:2000]).model_dump())
            raise
        self._ask("ready", {})

    def deliver(self) -> None:
        """Send all records, and the offset of this clock. Raises what ``prepare`` raises."""
        self.report_progress()
        for path in _files(self._config.history):
            name, facts = path.relative_to(self._config.history).as_posix(), FileFacts.of(path)
            sent = 0
            while sent < facts.size:
                chunk = chunk_of(path, sent)
                self._ask("part", Part(name=name, facts=facts, data=chunk).model_dump())
                sent += len(chunk)
        end = self._clock_offset()
        known = throughout(self._offset, end)
        delivered = Delivered(
            offset_ns=known.offset_ns,
            uncertainty_ns=known.uncertainty_ns,
            drift_ns=end.offset_ns - known.offset_ns,
            shared_clock=self._shares_clock and known.uncertainty_ns == 0,
        )
        self._ask("delivered", delivered.model_dump())

    def report_progress(self) -> None:
        """Send this worker's progress, once it has begun."""
        for own in self._config.progress.glob("*.json"):
            self._ask("progress", asdict(LoadProgress.read(own)))

    def _first_answer(self) -> str:
        question = Joins(host=host_name()).model_dump()
        for _ in range(_FIRST_TRIES):
            with suppress(TimeoutError):
                return str(self._ask("join", question, _FIRST_ANSWER_S))
        raise TimeoutError("no load at this address is waiting for workers")

    def _get_ready(self, offer: Offer) -> None:
        self._shares_clock = offer.boot_id == boot_id() != ""
        self._offset = self._clock_offset()
        clocks = offer.config.clocks
        own_epoch_ns = clocks.epoch_monotonic_ns - self._offset.offset_ns
        self._config = offer.config.at(self._folder).model_copy(
            update={"clocks": clocks.model_copy(update={"epoch_monotonic_ns": own_epoch_ns})}
        )
        self._config.history.mkdir()
        self._config.progress.mkdir()
        self._config.endpoints.write_text(offer.endpoints)
        for name in self._config.source.shared():
            (self._folder / name).symlink_to(self._fetched(name, offer.files[name]))
        check_target(Endpoints.load(self._config.endpoints).kafka, self._config.topic, Needs())

    def _fetched(self, name: SharedName, facts: FileFacts) -> Path:
        """The file in the cache, found or stored by its digest."""
        kept = self._cache / "joined" / facts.sha256
        if kept.is_file():
            return kept
        incoming = Incoming(facts, kept)
        while not incoming.add(self._ask("chunk", Wants(name=name, offset=incoming.received).model_dump())):
            pass
        return kept

    def _clock_offset(self) -> ClockOffset:
        measured = estimate([self._exchange() for _ in range(_PINGS)])
        return on_one_machine(measured) if self._shares_clock else measured

    def _exchange(self) -> Exchange:
        asked_ns = self._monotonic_ns()
        received_ns, answered_ns = self._ask("ping", {})
        return Exchange(
            asked_ns=asked_ns,
            received_ns=received_ns,
            answered_ns=answered_ns,
            returned_ns=self._monotonic_ns(),
        )


def _files(history: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(history):
        yield from (Path(folder, name) for name in sorted(names))
