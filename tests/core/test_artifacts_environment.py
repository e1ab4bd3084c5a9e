"""How the Python environment is made: the user's mirror holds, and uv itself is locked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.artifacts import environment


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, for pip or for uv."""
    for name in (*environment.UV_NAMES.values(), *environment.UV_CHOICES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "UV_SETTINGS", ())
    for name in environment.UV_NAMES:
        monkeypatch.delenv(f"PIP_{name.replace('-', '_').upper()}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = file:///mirror/simple\n")


def settings() -> dict[str, str]:
    return environment._mirror_settings(Path(sys.executable))


def test_pips_index_is_uvs_index() -> None:
    assert settings()["UV_DEFAULT_INDEX"] == "file:///mirror/simple"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "file:///other/simple")
    assert settings()["UV_DEFAULT_INDEX"] == "file:///other/simple"


def test_a_choice_for_uv_itself_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "file:///for-uv/simple")
    assert settings() == {}


def test_a_folder_that_does_not_exist_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} {tmp_path}/nowhere")
    assert settings()["UV_FIND_LINKS"] == str(tmp_path)


def test_uv_itself_is_taken_from_the_lock() -> None:
    first, *hashes = environment._locked_uv().splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all("--hash=sha256:" in line for line in hashes)


def test_an_older_uv_than_the_locked_one_is_not_used() -> None:
    assert environment._version("uv 0.9.30 (x86_64)") < environment._version("uv==0.13.9")


def test_what_does_not_run_has_no_version() -> None:
    assert environment._version(environment._output("/no/such/command")) == ()
