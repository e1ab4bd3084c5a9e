"""Which Java is taken, out of those that are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts import java
from harness.artifacts.java import JavaHome, find_java
from harness.base.errors import PlatformError


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_USUAL_PLACES", ())
    monkeypatch.setattr(java, "JAVA_WHEEL", "no_such_package")


def install(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch(mode=0o755)
    (folder / "release").write_text(f'JAVA_RUNTIME_VERSION="other"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("17", 17), ("1.8.0_402", 8), ("odd", 0)])
def test_the_major_version_is_read(version: str, major: int) -> None:
    assert JavaHome(path=Path("/"), version=version).major == major


def test_a_java_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    newer, fit = install(tmp_path / "25", "25.0.1"), install(tmp_path / "17", "17.0.15")
    assert find_java({"JAVA_HOME": str(newer), "PATH": str(fit / "bin")}).path == fit


def test_the_users_choice_comes_first(tmp_path: Path) -> None:
    chosen, other = install(tmp_path / "a", "17.0.1"), install(tmp_path / "b", "17.0.2")
    assert find_java({"FLOODMARK_JAVA_HOME": str(chosen), "JAVA_HOME": str(other)}).path == chosen


def test_a_choice_that_does_not_fit_is_refused_not_passed_over(tmp_path: Path) -> None:
    chosen, fit = install(tmp_path / "25", "25.0.1"), install(tmp_path / "17", "17.0.15")
    with pytest.raises(PlatformError, match=rf"need Java 17; found 25\.0\.1 in {chosen}"):
        find_java({"FLOODMARK_JAVA_HOME": str(chosen), "JAVA_HOME": str(fit)})


def test_no_java_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"found none\. `floodmark doctor`"):
        find_java({"PATH": str(tmp_path)})


def test_a_shim_on_the_path_is_asked_where_its_java_is(tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "java"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho '    java.home = /real/17' >&2\necho '    java.version = 17.0.3' >&2\n")
    shim.chmod(0o755)
    assert find_java({"PATH": str(shim.parent)}) == JavaHome(path=Path("/real/17"), version="17.0.3")


def test_a_broken_shim_is_passed_over(tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "java"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    fit = install(tmp_path / "17", "17.0.15")
    assert find_java({"JAVA_HOME": str(fit), "PATH": str(shim.parent)}).path == fit
