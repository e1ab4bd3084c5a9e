"""A lake in memory or in a folder, and its life cycle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from pipeline.base.errors import NoSuchObject
from pipeline.lifecycle.delta_days import DeltaDays
from pipeline.lifecycle.lake_stores import covered_objects
from pipeline.lifecycle.plan import Move, plan
from pipeline.lifecycle.policy import Policy
from pipeline.lifecycle.stores import Objects, Stores
from tests.only_writer import OnlyWriter

POLICY = Policy.shipped()
NOW = datetime(2013, 6, 1, tzinfo=UTC)
OLD, YOUNG = date(2013, 1, 1), date(2013, 5, 1)
FILE = f"landing/partners/acme/{OLD}/a.csv"


class MemoryObjects:
    """Objects in a mapping."""

    def __init__(self, **held: bytes) -> None:
        self.held: dict[str, bytes] = dict(held)

    def get(self, key: str) -> bytes:
        try:
            return self.held[key]
        except KeyError:
            raise NoSuchObject(key) from None

    def put_if_absent(self, key: str, body: bytes) -> bool:
        return self.held.setdefault(key, body) is body

    def copy(self, key: str, to_key: str) -> None:
        self.held[to_key] = self.get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(key for key in self.held if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        self.held.pop(key, None)


class FolderObjects:
    """Objects as the files of a folder, which delta-rs can read, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes:
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            raise NoSuchObject(key) from None

    def put_if_absent(self, key: str, body: bytes) -> bool:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            return False
        path.write_bytes(body)
        return True

    def copy(self, key: str, to_key: str) -> None:
        self.delete(to_key)
        self.put_if_absent(to_key, self.get(key))

    def list(self, prefix: str) -> tuple[str, ...]:
        files = (str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file())
        return tuple(sorted(key for key in files if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        (self._folder / key).unlink(missing_ok=True)


def stores(objects: Objects, folder: Path = Path("/nowhere")) -> Stores:
    @contextmanager
    def hold(table: str) -> Iterator[OnlyWriter]:
        yield OnlyWriter()

    return Stores(policy=POLICY, objects=objects, tables=DeltaDays(root=str(folder)), hold=hold)


def planned(of: Stores, now: datetime = NOW) -> tuple[Move, ...]:
    def sizes(prefix: str) -> dict[str, int]:
        return {key: len(of.objects.get(key)) for key in of.objects.list(prefix)}

    return plan(POLICY, covered_objects(of, sizes), now)
