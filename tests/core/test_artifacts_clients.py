"""Maven and pip as they are called: their files, their failures, and what their output means."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.artifacts import maven, pypi
from harness.artifacts.clients import Download
from harness.artifacts.coordinates import LockedArtifact, MavenCoordinates
from harness.artifacts.engines import EngineSpec
from harness.base.errors import ArtifactError

JAR = LockedArtifact(
    source="maven", coordinates="g:a:jar:linux:1", file_name="a-1-linux.jar", sha256="0" * 64
)


def quiet(message: str) -> None:
    """A report that nobody reads."""


class Said(list[str]):
    """A report that keeps what it is told."""

    def __call__(self, message: str) -> None:
        self.append(message)


def fake_mvn(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    command = folder / "mvn"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def fetch(folder: Path) -> None:
    maven.Maven().fetch([Download(artifact=JAR, folder=folder / "into")], report=quiet)


def test_maven_is_asked_for_exactly_the_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mvn(tmp_path, monkeypatch, f"cp pom.xml {tmp_path}/asked.xml")
    fetch(tmp_path)
    assert (
        "<artifactItem><groupId>g</groupId><artifactId>a</artifactId><version>1</version><type>jar</type>"
        f"<classifier>linux</classifier><outputDirectory>{tmp_path}/into</outputDirectory></artifactItem>"
    ) in (tmp_path / "asked.xml").read_text()


def test_a_missing_maven_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"`mvn` is not on the PATH; `floodmark doctor`"):
        fetch(tmp_path)


def test_a_failed_maven_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mvn(tmp_path, monkeypatch, "echo 'Could not resolve g:a'; exit 3")
    with pytest.raises(
        ArtifactError, match=r"exit code 3(.|\n)*Could not resolve g:a(.|\n)*run the same command"
    ):
        fetch(tmp_path)


def test_mavens_downloads_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mvn(
        tmp_path, monkeypatch, "for n in $(seq 45); do echo '[INFO] Downloaded from m: x.jar (1 B)'; done"
    )
    said = Said()
    maven.Maven().fetch([Download(artifact=JAR, folder=tmp_path)], report=said)
    assert said == ["fetching 1 jars with Maven", "Maven: 20 files downloaded", "Maven: 40 files downloaded"]


def test_what_comes_from_elsewhere_is_excluded_below_every_dependency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mvn(tmp_path, monkeypatch, f"cp pom.xml {tmp_path}/asked.xml; exit 1")
    coordinates = tuple(MavenCoordinates(group="g", name=name, version="1") for name in "ab")
    with pytest.raises(ArtifactError):
        maven.resolve(EngineSpec(name="e", maven=coordinates, exclude=("io.x:*", "h:c")))
    excluded = (
        "<exclusions><exclusion><groupId>io.x</groupId><artifactId>*</artifactId></exclusion>"
        "<exclusion><groupId>h</groupId><artifactId>c</artifactId></exclusion></exclusions>"
    )
    assert (tmp_path / "asked.xml").read_text().count(excluded) == 2


def test_mavens_list_is_read_with_classifiers_and_modules(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"")
    line = f"   g:a:jar:linux:1:compile:{tmp_path}/a.jar -- module org.a [auto]"
    assert maven._locked(line).coordinates == "g:a:jar:linux:1"


def test_pips_refusal_is_told_in_our_words() -> None:
    said = f"  Expected sha256 {'a' * 64}\n         Got        {'b' * 64}\n"
    wrong = pypi._wrong_digest("x==1", said)
    assert str(wrong) == f"x==1: SHA-256 expected {'a' * 64}, found {'b' * 64}"


def test_pips_progress_is_told_by_tenths() -> None:
    said = Said()
    on_line = pypi._progress("x.whl", said)
    for done in range(101):
        on_line(f"Progress {done * 2**20} of {100 * 2**20}")
    assert said == [f"x.whl: {done} of 100 MiB" for done in range(10, 101, 10)]


NATIVE = "srv==1; platform_machine == 's390x'"


@pytest.fixture
def asked_of_pip(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pip is called with, and the line of its requirements file; it downloads a wheel each time."""
    asked: list[str] = []

    def run(argv: Sequence[str], *, cwd: Path, on_line: Callable[[str], None]) -> None:
        asked.extend((*argv, Path(argv[-1]).read_text().strip()))
        (cwd / "srv-1-py3-none-manylinux_2_17_s390x.whl").write_bytes(b"a wheel")

    monkeypatch.setattr(pypi, "run_client", run)
    return asked


def test_the_wheel_of_another_kind_of_machine_is_locked(asked_of_pip: list[str]) -> None:
    (locked,) = pypi.resolve(EngineSpec(name="srv", pypi=(NATIVE,)))
    assert (locked.coordinates, locked.machine) == (NATIVE, "s390x")
    assert locked.file_name == "srv-1-py3-none-manylinux_2_17_s390x.whl"
    assert {"--only-binary=:all:", "--platform=manylinux_2_17_s390x", "srv==1"} <= set(asked_of_pip)


def test_what_is_for_any_machine_is_locked_as_pip_finds_it_here(asked_of_pip: list[str]) -> None:
    (locked,) = pypi.resolve(EngineSpec(name="srv", pypi=("srv==1",)))
    assert locked.machine == ""
    assert [option for option in asked_of_pip if option.startswith(("--only-binary", "--platform"))] == []


def test_a_locked_wheel_is_fetched_by_its_digest(asked_of_pip: list[str], tmp_path: Path) -> None:
    locked = LockedArtifact(source="pypi", coordinates=NATIVE, file_name="srv.whl", sha256="a" * 64)
    pypi.Pip().fetch([Download(artifact=locked, folder=tmp_path)], report=quiet)
    assert asked_of_pip[-1] == f"srv==1 --hash=sha256:{'a' * 64}"
