"""The record on disk of each platform, on any backend, that is running or was not cleaned up."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.base.errors import PlatformError
from harness.processes.supervisor_client import Site
from harness.scenario.topology import Topology

_RECORD = "instance.json"
_LOG = logging.getLogger(__name__)


def state_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """``$FLOODMARK_STATE``, else ``floodmark`` in the user's state folder."""
    if chosen := environment.get("FLOODMARK_STATE"):
        return Path(chosen).expanduser().resolve()
    base = environment.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(base, "floodmark")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Record):
    """A node's address, and how to stop it."""

    address: str
    port: int
    """The port for clients."""
    waits_for: tuple[str, ...]
    """The nodes it depends on: started before it and stopped after it."""
    stop_timeout_s: float


class NodeTimes(_Record):
    """How long a node took to start, from the start of its process."""

    listening_after_s: float
    """Time until its port accepted a connection."""
    ready_after_s: float
    """Time until a real operation worked."""


class Instance(_Record):
    """One platform started on this machine: its folders, and everything needed to end it."""

    id: str
    backend: str = "process"
    """The name of its backend; older records have none."""
    topology: Topology
    places: dict[str, Place]
    """By node."""
    data: Path
    """Removed with all contents when the instance ends."""
    logs: Path
    owner_pid: int
    created_at: float
    """Seconds since 1970."""
    times: dict[str, NodeTimes] = {}
    """By node, for nodes that are ready or were when they died."""
    keep: dict[str, dict[Path, Path]] = {}
    """By node, the files it creates at a clean exit, each with the path it is then moved to."""

    @staticmethod
    def create(
        backend: str, topology: Topology, places: Mapping[str, Place], *, data_dir: Path, log_dir: Path
    ) -> Instance:
        """Record a new instance, then create its folders. Only ``<id>`` is ever removed from ``data_dir``."""
        identity = f"{topology.name}-{uuid.uuid4().hex[:8]}"
        instance = Instance(
            id=identity,
            backend=backend,
            topology=topology,
            places=dict(places),
            data=data_dir.resolve() / identity,
            logs=log_dir.resolve(),
            owner_pid=os.getpid(),
            created_at=time.time(),
        )
        instance.home.mkdir(parents=True, mode=0o700)
        instance.save()
        instance.data.mkdir(parents=True)
        instance.logs.mkdir(parents=True, exist_ok=True)
        return instance

    @property
    def home(self) -> Path:
        """The folder of this record and the supervisor's socket."""
        return state_dir() / "instances" / self.id

    @property
    def site(self) -> Site:
        """The description for its supervisor."""
        return Site(id=self.id, home=self.home, data=self.data, logs=self.logs)

    @property
    def endpoints_file(self) -> Path:
        """The endpoints of an instance that outlives its command, for other commands."""
        return self.home / "endpoints.json"

    def stop_layers(self) -> Iterator[tuple[str, ...]]:
        """First the nodes that no other node needs, then those needed only by them, and so on."""
        left = {name: set(place.waits_for) for name, place in self.places.items()}
        while left:
            needed = set().union(*left.values())
            layer = tuple(name for name in left if name not in needed)
            yield layer
            for name in layer:
                del left[name]

    def save(self) -> None:
        """Write the record atomically."""
        partial = self.home / f"{_RECORD}.partial"
        partial.write_text(self.model_dump_json(indent=2))
        partial.replace(self.home / _RECORD)

    def with_times(self, times: Mapping[str, NodeTimes]) -> Instance:
        """The instance after these nodes became ready."""
        return self.model_copy(update={"times": {**self.times, **times}})

    def without_times(self, node: str) -> Instance:
        """The instance before a restart of this node."""
        left = {name: times for name, times in self.times.items() if name != node}
        return self.model_copy(update={"times": left})

    def with_keep(self, keep: Mapping[str, Mapping[Path, Path]]) -> Instance:
        """The instance with the files that its nodes leave at a clean exit."""
        return self.model_copy(update={"keep": {name: dict(files) for name, files in keep.items() if files}})

    def remove_folders(self) -> None:
        """Remove the data, then the record, so that an interrupted removal can be repeated."""
        for folder in (self.data, self.home):
            if folder.exists():
                shutil.rmtree(folder)


def instances() -> tuple[Instance, ...]:
    """Every instance with a record, oldest first. A damaged record yields only what is needed to end it."""
    found = [_read(path) for path in (state_dir() / "instances").glob(f"*/{_RECORD}")]
    return tuple(sorted((one for one in found if one), key=lambda one: one.created_at))


def instances_of(backend: str) -> tuple[Instance, ...]:
    """The instances of one backend."""
    return tuple(one for one in instances() if one.backend == backend)


def instance_of(backend: str, identity: str) -> Instance:
    """One instance of a backend. Raises ``PlatformError`` when it has no record."""
    known = {one.id: one for one in instances_of(backend)}
    if identity not in known:
        raise PlatformError(f"no {backend} platform {identity!r}; existing: {', '.join(known) or 'none'}")
    return known[identity]


def _read(path: Path) -> Instance | None:
    """One record; None if it has just been removed."""
    try:
        record, written_at = path.read_bytes(), path.stat().st_mtime
    except FileNotFoundError:
        return None
    try:
        return Instance.model_validate_json(record)
    except ValidationError as error:
        _LOG.warning("%s is damaged or from another version: %s", path, str(error).splitlines()[0])
        return _damaged(path.parent.name, record, written_at)


def _damaged(identity: str, record: bytes, written_at: float) -> Instance:
    """An instance without nodes. The name of its folder is its id, which finds its processes.

    The record's data folder is used only if it has the same name; a running supervisor knows it anyway.
    """
    home = state_dir() / "instances" / identity
    data = state_dir() / "data" / identity
    try:
        found = json.loads(record)
    except ValueError:
        found = None
    left = found if isinstance(found, dict) else {}
    if isinstance(left.get("data"), str) and Path(left["data"]).name == identity:
        data = Path(left["data"])
    made_by = {"backend": left["backend"]} if isinstance(left.get("backend"), str) else {}
    return Instance(
        id=identity,
        **made_by,
        # Not validated: a topology without services would be invalid.
        topology=Topology.model_construct(name=identity, zones=(), services={}),
        places={},
        data=data,
        logs=home,
        owner_pid=0,
        created_at=written_at,
    )
