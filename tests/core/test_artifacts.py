"""The cache of engine homes: what it fetches, what it refuses, and what it leaves alone."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.artifacts.cache import Cache, cache_dir
from harness.artifacts.clients import Client, Download
from harness.artifacts.coordinates import LockedArtifact
from harness.artifacts.engines import Engine, EngineSpec
from harness.base.errors import ArtifactError
from harness.base.report import Report

JARS = {"org.x:a:jar:1": b"first jar", "org.x:b:jar:2": b"second jar"}


@dataclass
class FakeClient:
    """Serves contents by coordinates and remembers what it was asked for."""

    contents: Mapping[str, bytes]
    asked: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
        self.before()
        for download in downloads:
            self.asked.append(download.artifact.coordinates)
            download.path.write_bytes(self.contents[download.artifact.coordinates])


def quiet(message: str) -> None:
    """A report that nobody reads."""


class Said(list[str]):
    """A report that keeps what it is told."""

    def __call__(self, message: str) -> None:
        self.append(message)


def jar(coordinates: str, content: bytes) -> LockedArtifact:
    _, name, _, version = coordinates.split(":")
    digest = hashlib.sha256(content).hexdigest()
    return LockedArtifact(
        source="maven", coordinates=coordinates, file_name=f"{name}-{version}.jar", sha256=digest
    )


def cache_of(root: Path, client: Client, artifacts: Sequence[LockedArtifact]) -> Cache:
    engine = Engine(spec=EngineSpec(name="kafka"), artifacts=tuple(artifacts))
    return Cache(root=root, engines={"kafka": engine}, clients={"maven": client, "pypi": client})


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(JARS)


@pytest.fixture
def cache(tmp_path: Path, client: FakeClient) -> Cache:
    return cache_of(tmp_path, client, [jar(*item) for item in JARS.items()])


def test_a_home_holds_every_jar_in_lib(cache: Cache) -> None:
    cache.ensure(None, report=quiet)
    lib = cache.home("kafka") / "lib"
    assert {path.name: path.read_bytes() for path in lib.iterdir()} == {
        "a-1.jar": b"first jar",
        "b-2.jar": b"second jar",
    }


def test_a_complete_home_starts_no_client(cache: Cache, client: FakeClient) -> None:
    cache.ensure(None, report=quiet)
    client.asked.clear()
    cache.ensure(None, report=quiet)
    assert client.asked == []


def test_a_wrong_digest_is_refused_with_the_name_and_both_digests(tmp_path: Path) -> None:
    wanted = jar("org.x:a:jar:1", b"what was locked")
    cache = cache_of(tmp_path, FakeClient({"org.x:a:jar:1": b"what was served"}), [wanted])
    with pytest.raises(ArtifactError) as refused:
        cache.ensure(None, report=quiet)
    found = hashlib.sha256(b"what was served").hexdigest()
    assert f"org.x:a:jar:1: SHA-256 expected {wanted.sha256}, found {found}" in str(refused.value)
    assert list(tmp_path.rglob("*.jar")) == []


def test_every_wrong_digest_is_named_at_once(tmp_path: Path) -> None:
    locked = [jar(coordinates, b"what was locked") for coordinates in JARS]
    with pytest.raises(ArtifactError, match=r"org\.x:a:jar:1: (.|\n)*org\.x:b:jar:2: "):
        cache_of(tmp_path, FakeClient(JARS), locked).ensure(None, report=quiet)


def test_a_client_that_leaves_a_file_out_is_noticed(tmp_path: Path) -> None:
    class Forgetful(FakeClient):
        def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
            super().fetch(downloads[:1], report=report)

    cache = cache_of(tmp_path, Forgetful(JARS), [jar(*item) for item in JARS.items()])
    with pytest.raises(ArtifactError, match="found no file"):
        cache.ensure(None, report=quiet)


def test_what_is_there_and_verified_is_not_fetched_again(tmp_path: Path) -> None:
    locked = [jar(*item) for item in JARS.items()]
    interrupted = cache_of(tmp_path, FakeClient({**JARS, "org.x:b:jar:2": b"cut o"}), locked)
    with pytest.raises(ArtifactError):
        interrupted.ensure(None, report=quiet)
    second = FakeClient(JARS)
    cache_of(tmp_path, second, locked).ensure(None, report=quiet)
    assert second.asked == ["org.x:b:jar:2"]


def test_a_file_that_was_changed_in_the_cache_is_fetched_again_and_named(
    cache: Cache, client: FakeClient
) -> None:
    cache.ensure(None, report=quiet)
    damaged = cache.home("kafka") / "lib" / "a-1.jar"
    damaged.write_bytes(b"damaged jar")
    said = Said()
    cache.ensure(None, report=said)
    assert damaged.read_bytes() == b"first jar"
    assert any("lib/a-1.jar: SHA-256 expected" in message for message in said)


def test_a_damage_that_keeps_size_and_time_is_found_by_a_recheck(cache: Cache) -> None:
    cache.ensure(None, report=quiet)
    damaged = cache.home("kafka") / "lib" / "a-1.jar"
    times = damaged.stat()
    damaged.write_bytes(b"FIRST jar")
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    cache.ensure(None, report=quiet, recheck=True)
    assert damaged.read_bytes() == b"first jar"


def test_a_file_that_was_only_touched_is_not_fetched_again(cache: Cache, client: FakeClient) -> None:
    cache.ensure(None, report=quiet)
    client.asked.clear()
    (cache.home("kafka") / "lib" / "a-1.jar").touch()
    cache.ensure(None, report=quiet)
    assert client.asked == []
    assert cache.missing() == ()


def test_two_at_once_fetch_once(tmp_path: Path) -> None:
    first_fetches = threading.Event()
    first = FakeClient(JARS, before=first_fetches.set)
    second = FakeClient(JARS)
    caches = [cache_of(tmp_path, one, [jar(*item) for item in JARS.items()]) for one in (first, second)]

    def the_other() -> None:
        assert first_fetches.wait(timeout=10)  # so it holds the lock
        caches[1].ensure(None, report=quiet)

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(caches[0].ensure, None, report=quiet), pool.submit(the_other)]:
            done.result(timeout=10)
    assert (len(first.asked), len(second.asked)) == (2, 0)


def test_an_unknown_engine_is_refused_with_those_that_there_are(cache: Cache) -> None:
    with pytest.raises(ArtifactError, match="unknown engine 'kafak'; known: kafka"):
        cache.ensure(["kafak"], report=quiet)


def test_both_clients_failures_are_told(tmp_path: Path) -> None:
    @dataclass
    class Failing:
        message: str

        def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
            raise ArtifactError(self.message)

    pypi = LockedArtifact(source="pypi", coordinates="x==1", file_name="x.whl", sha256="0" * 64)
    engine = Engine(spec=EngineSpec(name="flink"), artifacts=(jar("org.x:a:jar:1", b""), pypi))
    clients = {"maven": Failing("no Maven"), "pypi": Failing("no pip")}
    with pytest.raises(ArtifactError, match="no Maven\nno pip"):
        Cache(root=tmp_path, engines={"flink": engine}, clients=clients).ensure(None, report=quiet)


def archive_cache(root: Path, content: bytes, unpack: Mapping[str, str]) -> Cache:
    locked = LockedArtifact(
        source="pypi", coordinates="x==1", file_name="x-1", sha256=hashlib.sha256(content).hexdigest()
    )
    engine = Engine(spec=EngineSpec(name="x", unpack=unpack), artifacts=(locked,))
    return Cache(root=root, engines={"x": engine}, clients={"pypi": FakeClient({"x==1": content})})


def zip_of(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_folders_and_files_of_an_archive_go_where_the_rules_say(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    content = pack({"p/lib/x.jar": b"1", "p/plugins/m/y.jar": b"2", "p/bin/z.jar": b"3", "p/bin/no": b"4"})
    cache = archive_cache(tmp_path, content, {"p/lib/": "lib", "p/plugins/": "plugins", "p/bin/z.jar": "bin"})
    cache.ensure(None, report=quiet)
    home = cache.home("x")
    files = {str(p.relative_to(home)) for p in home.rglob("*") if p.is_file() and p.name[0] != "."}
    assert files == {"lib/x.jar", "plugins/m/y.jar", "bin/z.jar"}


def wheel_of(members: Mapping[str, int]) -> bytes:
    """A wheel of files with these modes; 0 is none, as zip tools of other systems leave it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, mode in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | mode) << 16 if mode else 0
            archive.writestr(info, b"#!/bin/sh\necho it runs\n")
    return buffer.getvalue()


def test_a_program_out_of_a_wheel_can_be_started(tmp_path: Path) -> None:
    content = wheel_of({"p/bin/server": 0o755, "p/bin/odd": 0o4777, "p/bin/conf": 0o640, "p/bin/dos": 0})
    cache = archive_cache(tmp_path, content, {"p/bin/": "bin"})
    cache.ensure(None, report=quiet)
    programs = cache.home("x") / "bin"
    assert subprocess.run([programs / "server"], capture_output=True, check=True).stdout == b"it runs\n"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in programs.iterdir()}
    assert modes == {"server": 0o755, "odd": 0o755, "conf": 0o644, "dos": 0o644}


def test_a_program_out_of_a_tar_can_be_started(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, mode in (("p/server", 0o700), ("p/conf", 0o600)):
            info = tarfile.TarInfo(name)
            info.mode = mode
            archive.addfile(info, io.BytesIO())
    cache = archive_cache(tmp_path, buffer.getvalue(), {"p/": "bin"})
    cache.ensure(None, report=quiet)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (cache.home("x") / "bin").iterdir()}
    assert modes == {"server": 0o755, "conf": 0o644}


def two_archives(root: Path, unpack: Mapping[str, str]) -> Cache:
    contents = {"x==1": zip_of({"x/a": b"1"}), "y==1": zip_of({"y/b": b"2"})}
    locked = (
        LockedArtifact(
            source="pypi",
            coordinates=name,
            file_name=name.replace("==", "-"),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for name, content in contents.items()
    )
    engine = Engine(spec=EngineSpec(name="x", unpack=unpack), artifacts=tuple(locked))
    return Cache(root=root, engines={"x": engine}, clients={"pypi": FakeClient(contents)})


def test_each_rule_is_for_any_of_an_engines_archives(tmp_path: Path) -> None:
    cache = two_archives(tmp_path, {"x/": "bin", "y/": "bin"})
    cache.ensure(None, report=quiet)
    assert {path.name for path in (cache.home("x") / "bin").iterdir()} == {"a", "b"}


def test_a_rule_that_takes_nothing_of_any_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="x-1, y-1: no file matches z/"):
        two_archives(tmp_path, {"x/": "bin", "z/": "bin"}).ensure(None, report=quiet)


def test_an_engine_for_other_machines_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    engine = Engine(spec=EngineSpec(name="x"), artifacts=(jar("g:a:jar:1", b""),), made_for=("s390x", "vax"))
    client = FakeClient({"g:a:jar:1": b""})
    cache = Cache(root=tmp_path, engines={"x": engine}, clients={"maven": client})
    with pytest.raises(ArtifactError, match=r"no build for this machine \(.+\); x: built for s390x, vax"):
        cache.ensure(None, report=quiet)
    assert client.asked == []


def test_a_zip_in_an_archive_is_unpacked_too(tmp_path: Path) -> None:
    content = tar_of({"p/data/flights.csv.zip": zip_of({"flights.csv": b"year"})})
    cache = archive_cache(tmp_path, content, {"p/data/": "."})
    cache.ensure(None, report=quiet)
    assert (cache.home("x") / "flights.csv").read_bytes() == b"year"


def test_a_rule_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    cache = archive_cache(tmp_path, zip_of({"p/lib/x.jar": b""}), {"p/lib/": "lib", "p/conf/": "conf"})
    with pytest.raises(ArtifactError, match="no file matches p/conf/"):
        cache.ensure(None, report=quiet)


def test_an_archive_cannot_write_outside_of_its_home(tmp_path: Path) -> None:
    cache = archive_cache(tmp_path, zip_of({"p/lib/../../../evil": b""}), {"p/lib/": "lib"})
    with pytest.raises(ArtifactError, match="points outside the archive"):
        cache.ensure(None, report=quiet)


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("FLOODMARK_CACHE", raising=False)
    assert cache_dir() == tmp_path / "floodmark"
    monkeypatch.setenv("FLOODMARK_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
