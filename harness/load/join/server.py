"""Answers workers that join a load: gives them its files, and stores their records."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from harness.history.parquet_parts import end_mark
from harness.history.progress import LoadProgress, progress_file
from harness.history.workers import WorkerLine
from harness.history.writer import append_jsonl
from harness.load.join.messages import Answer, Ask, Delivered, Joins, Offer, Part, Unable, Wants, boot_id
from harness.load.join.transfer import Incoming, chunk_of
from harness.load.share import Share
from harness.load.workers.config import LoadConfig
from harness.load.workers.join_config import Gathered, JoinConfig
from pipeline.base.endpoints import Endpoints

_PROGRESS: Final = TypeAdapter(LoadProgress)
_PROBLEMS_MAX: Final = 8


@dataclass(kw_only=True)
class _Joined:
    """One worker that has joined."""

    host: str
    ready: bool = False
    part: tuple[str, Incoming] | None = None
    """The name of the file that is arriving, and the file."""
    last: LoadProgress | None = None


class JoinServer:
    """Stores what workers send, under names that are theirs alone. Independent of Locust.

    ``present`` names the connected workers; ``share_of`` is what one of them sends.
    """

    def __init__(
        self,
        config: LoadConfig,
        join: JoinConfig,
        *,
        present: Callable[[], Collection[str]],
        share_of: Callable[[str], Share | None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._config, self._join = config, join
        self._present, self._share_of, self._monotonic_ns = present, share_of, monotonic_ns
        self._joined: dict[str, _Joined] = {}
        self._problems: tuple[str, ...] = ()
        self._answers: Mapping[str, Callable[[str, dict[str, Any]], Any]] = {
            "join": self._offer,
            "chunk": self._chunk,
            "ready": self._ready,
            "unable": self._unable,
            "progress": self._progress,
            "part": self._part,
            "delivered": self._delivered,
        }

    def answer(self, member: str, ask: Ask) -> Answer:
        """Answer a question; an error in it goes back to the worker that asked."""
        received_ns = self._monotonic_ns()
        if ask.kind == "ping":
            return Answer(number=ask.number, data=[received_ns, self._monotonic_ns()])
        try:
            return Answer(number=ask.number, data=self._answers[ask.kind](member, ask.data))
        except (ValueError, OSError) as error:
            return Answer(number=ask.number, error=f"{ask.kind}: {error}")

    def _offer(self, member: str, data: dict[str, Any]) -> str:
        joins, present = Joins.model_validate(data), self._present()
        self._joined = {name: one for name, one in self._joined.items() if name in present}
        if self._join.start.exists():
            raise ValueError("the load has begun")
        if len(self._joined.keys() | {member}) > self._join.joining.workers:
            raise ValueError(f"{self._join.joining.workers} workers have joined, and no more are expected")
        self._joined[member] = _Joined(host=joins.host)
        kafka = Endpoints.load(self._config.endpoints).kafka
        if kafka.security.protocol != "plaintext":
            raise ValueError("the platform asks for credentials, which are not sent without encryption")
        return Offer(
            config=self._config.at(Path()),
            endpoints=Endpoints(services=(kafka,)).dumps(),
            files={name: file.facts for name, file in self._join.files.items()},
            boot_id=boot_id(),
        ).model_dump_json()

    def _chunk(self, member: str, data: dict[str, Any]) -> bytes:
        self._known(member)
        wants = Wants.model_validate(data)
        if (file := self._join.files.get(wants.name)) is None:
            raise ValueError(f"there is no {wants.name} in this load")
        return chunk_of(file.path, wants.offset)

    def _ready(self, member: str, _: dict[str, Any]) -> None:
        self._known(member).ready = True
        self._save_gathered()

    def _unable(self, member: str, data: dict[str, Any]) -> None:
        host, why = self._known(member).host, Unable.model_validate(data).why
        del self._joined[member]
        # It is printed on a terminal.
        plain = "".join(character if character.isprintable() else " " for character in why)
        self._problems = (*self._problems[-_PROBLEMS_MAX + 1 :], f"{host} cannot take part: {plain}")
        self._save_gathered()

    def _progress(self, member: str, data: dict[str, Any]) -> None:
        worker, share = self._known(member), self._own_share(member)
        worker.last = _PROGRESS.validate_python(data)
        # It is not done until its history has arrived, even if it has sent its share.
        here = replace(worker.last, state="flushing") if worker.last.state == "done" else worker.last
        here.save(progress_file(self._config.progress, share.worker))

    def _part(self, member: str, data: dict[str, Any]) -> None:
        worker, share, part = self._known(member), self._own_share(member), Part.model_validate(data)
        if not _is_of(share, part.name):
            raise ValueError(f"{part.name!r} is no file that {share.worker} writes")
        name, incoming = worker.part or (part.name, Incoming(part.facts, self._config.history / part.name))
        worker.part = None
        if part.name != name:
            raise ValueError(f"{part.name!r} came before the end of {name!r}")
        if not incoming.add(part.data):
            worker.part = name, incoming

    def _delivered(self, member: str, data: dict[str, Any]) -> None:
        worker, share, delivered = (
            self._known(member),
            self._own_share(member),
            Delivered.model_validate(data),
        )
        if worker.part is not None or worker.last is None or worker.last.state != "done":
            raise ValueError("something is missing")
        line = WorkerLine(worker=share.worker, host=worker.host, **delivered.model_dump())
        append_jsonl(self._config.history / "workers.jsonl", line.model_dump())
        worker.last.save(progress_file(self._config.progress, share.worker))
        del self._joined[member]

    def _known(self, member: str) -> _Joined:
        if (worker := self._joined.get(member)) is None:
            raise ValueError("this worker has not joined")
        return worker

    def _own_share(self, member: str) -> Share:
        if (share := self._share_of(member)) is None:
            raise ValueError("the load has not begun")
        return share

    def _save_gathered(self) -> None:
        hosts = tuple(worker.host for worker in self._joined.values() if worker.ready)
        Gathered(hosts=hosts, problems=self._problems).save(self._join.gathered)


def _is_of(share: Share, name: str) -> bool:
    """Whether a worker with this share writes a file of this name; other names are refused."""
    files = rf"{share.worker}-[0-9]{{6}}\.parquet|{re.escape(end_mark(share.worker))}"
    table = rf"(operations|encoded|generator)/({files})"
    own = rf"{table}|latency-{share.worker}\.hlog|clocks-{share.worker}\.jsonl"
    return re.fullmatch(own, name) is not None
