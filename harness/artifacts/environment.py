"""Makes ``.venv`` as ``requirements.lock`` says; the Makefile calls it with whatever Python the system has.

Usage: ``python3 harness/artifacts/environment.py VENV EXTRA...``
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
"""pip's settings, and what uv calls them."""
UV_CHOICES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
UV_SETTINGS = (Path("~/.config/uv/uv.toml"), Path("/etc/uv/uv.toml"))


def main(venv: Path, extras: Sequence[str]) -> None:
    """Make or renew the environment."""
    python = venv / "bin" / "python"
    if not _works(python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
        _say(f"making {venv} with Python {sys.version.split()[0]}")
        _make_venv(venv)
    environment = {**os.environ, **_mirror_settings(python)}
    uv = _find_uv(venv) or _install_uv(python, environment)
    install = [uv, "pip", "install", "--python", str(python), "--quiet"]
    _say(f"installing the locked packages ({', '.join(extras)}) with {uv}")
    # The lock is given as constraints: uv takes of it what these extras need, and refuses what has no hash.
    asked_for = [argument for extra in extras for argument in ("--extra", extra)]
    _run(
        [*install, "--exact", "--require-hashes", "-c", LOCK, "-r", ROOT / "pyproject.toml", *asked_for],
        environment,
        hint="If pyproject.toml asks for more than requirements.lock holds, run `make lock`.",
    )
    _say("installing floodmark itself, editable")
    _run([*install, "--no-deps", "--no-build-isolation", "--editable", ROOT], environment)


def _make_venv(venv: Path) -> None:
    """Some systems ship Python without what makes environments, so there is more than one way."""
    ways: list[list[list[str]]] = [[[sys.executable, "-m", "venv", "--clear", str(venv)]]]
    if _works(sys.executable, "-m", "pip", "--version"):
        into_venv = ["-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--quiet", "pip"]
        ways.append([[*ways[0][0], "--without-pip"], [sys.executable, *into_venv]])
    if shutil.which("uv") and _works("uv", "--version"):
        ways.append([["uv", "venv", "--clear", "--seed", "--quiet", "--python", sys.executable, str(venv)]])
    if os.geteuid() == 0 and shutil.which("apt-get"):
        ways.append([["apt-get", "update"], ["apt-get", "install", "-y", "python3-venv"], ways[0][0]])
    if not any(all(_works(*command) for command in way) for way in ways):
        sys.exit(
            f"{sys.executable} cannot make a virtual environment; "
            "on Debian and its kin: sudo apt-get install -y python3-venv"
        )


def _find_uv(venv: Path) -> str | None:
    """A uv that works and is not older than the locked one."""
    for candidate in (str(venv / "bin" / "uv"), shutil.which("uv")):
        if candidate and _version(_output(candidate, "--version")) >= _version(_locked_uv().splitlines()[0]):
            return candidate
    return None


def _install_uv(python: Path, environment: Mapping[str, str]) -> str:
    """Into the environment itself, so that nothing outside of it changes."""
    _say("installing the locked uv with pip")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(_locked_uv())
        requirements.flush()
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        _run([*pip, "-r", requirements.name], environment)
    return str(python.with_name("uv"))


def _locked_uv() -> str:
    """Uv's own lines of the lock: its version and its hashes."""
    match = re.search(r"^uv==.*\n(?:    --hash.*\n)+", LOCK.read_text(), re.MULTILINE)
    if match is None:
        sys.exit(f"{LOCK.name} does not hold uv; run `make lock`")
    return match[0]


def _mirror_settings(python: Path) -> dict[str, str]:
    """A user's mirror is mostly set for pip, whose settings uv does not read. Its own settings come first."""
    if UV_CHOICES & os.environ.keys() or any(file.expanduser().exists() for file in UV_SETTINGS):
        return {}
    said = _output(python, "-m", "pip", "config", "list")
    settings: dict[str, str] = {}
    for scope in ("global", "install", ":env:"):  # in pip's order: the later wins
        for key, value in re.findall(rf"^{scope}\.([a-z-]+)=(.*)$", said, re.MULTILINE):
            if key in UV_NAMES:
                settings[UV_NAMES[key]] = str(ast.literal_eval(value))
    for name in {"UV_INDEX", "UV_FIND_LINKS", "UV_INSECURE_HOST"} & settings.keys():
        # uv fails on a folder that does not exist, where pip only warns.
        places = settings[name].split()
        settings[name] = " ".join(p for p in places if not p.startswith("/") or Path(p).exists())
    if settings.keys() & {"UV_INDEX", "UV_FIND_LINKS"}:
        # As pip does: any of the places will do. The hashes say what is right.
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in settings.items() if name not in os.environ}


def _version(text: str) -> tuple[int, ...]:
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, match.groups())) if match else ()


def _output(*command: str | Path) -> str:
    """What a command prints, or "" if it is missing or broken (a version manager's shim is often both)."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _works(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _run(command: Sequence[str | Path], environment: Mapping[str, str], *, hint: str = "") -> None:
    if (code := subprocess.run(command, env=environment, check=False).returncode) != 0:
        sys.exit(f"failed with exit code {code}: {' '.join(map(str, command))}\n{hint}")


def _say(message: str) -> None:
    sys.stderr.write(f"  {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
