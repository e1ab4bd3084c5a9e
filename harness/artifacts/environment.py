"""Creates ``.venv`` from ``requirements.lock``; the Makefile runs it with the system's Python.

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
"""pip's settings and their names in uv."""
UV_CHOICES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
UV_SETTINGS = (Path("~/.config/uv/uv.toml"), Path("/etc/uv/uv.toml"))


def main(venv: Path, extras: Sequence[str]) -> None:
    """Create or update the environment."""
    python = venv / "bin" / "python"
    if not _works(python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
        _report(f"creating {venv} with Python {sys.version.split()[0]}")
        _make_venv(venv)
    environment = {**os.environ, **_mirror_settings(python)}
    uv = _find_uv(venv) or _install_uv(python, environment)
    install = [uv, "pip", "install", "--python", str(python), "--quiet"]
    _report(f"installing the locked packages ({', '.join(extras)}) with {uv}")
    # With the lock as constraints, uv installs only what these extras need and rejects what has no hash.
    options = [argument for extra in extras for argument in ("--extra", extra)]
    _run(
        [*install, "--exact", "--require-hashes", "-c", LOCK, "-r", ROOT / "pyproject.toml", *options],
        environment,
        hint="If pyproject.toml requires more than requirements.lock holds, run `make lock`.",
    )
    _report("installing floodmark itself, editable")
    _run([*install, "--no-deps", "--no-build-isolation", "--editable", ROOT], environment)


def _make_venv(venv: Path) -> None:
    """Try several ways: some systems ship Python without venv or pip."""
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
            f"{sys.executable} cannot create a virtual environment; "
            "on Debian or Ubuntu: sudo apt-get install -y python3-venv"
        )


def _find_uv(venv: Path) -> str | None:
    """A working uv that is at least as new as the locked one."""
    for candidate in (str(venv / "bin" / "uv"), shutil.which("uv")):
        if candidate and _version(_output(candidate, "--version")) >= _version(_locked_uv().splitlines()[0]):
            return candidate
    return None


def _install_uv(python: Path, environment: Mapping[str, str]) -> str:
    """Install it into the environment, so that nothing outside changes."""
    _report("installing the locked uv with pip")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(_locked_uv())
        requirements.flush()
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        _run([*pip, "-r", requirements.name], environment)
    return str(python.with_name("uv"))


def _locked_uv() -> str:
    """The lock's lines for uv: its version and its hashes."""
    match = re.search(r"^uv==.*\n(?:    --hash.*\n)+", LOCK.read_text(), re.MULTILINE)
    if match is None:
        sys.exit(f"{LOCK.name} does not hold uv; run `make lock`")
    return match[0]


def _mirror_settings(python: Path) -> dict[str, str]:
    """Translate pip's mirror settings, which uv does not read, unless uv has settings of its own."""
    if UV_CHOICES & os.environ.keys() or any(file.expanduser().exists() for file in UV_SETTINGS):
        return {}
    configured = _output(python, "-m", "pip", "config", "list")
    settings: dict[str, str] = {}
    for scope in ("global", "install", ":env:"):  # in pip's order: the later wins
        for key, value in re.findall(rf"^{scope}\.([a-z-]+)=(.*)$", configured, re.MULTILINE):
            if key in UV_NAMES:
                settings[UV_NAMES[key]] = str(ast.literal_eval(value))
    for name in {"UV_INDEX", "UV_FIND_LINKS", "UV_INSECURE_HOST"} & settings.keys():
        # uv fails on a missing folder; pip only warns.
        places = settings[name].split()
        settings[name] = " ".join(p for p in places if not p.startswith("/") or Path(p).exists())
    if settings.keys() & {"UV_INDEX", "UV_FIND_LINKS"}:
        # Like pip, accept any of the places: the hashes decide.
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in settings.items() if name not in os.environ}


def _version(text: str) -> tuple[int, ...]:
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, match.groups())) if match else ()


def _output(*command: str | Path) -> str:
    """The command's output; "" if it is missing or broken (a version manager's shim is often both)."""
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


def _report(message: str) -> None:
    sys.stderr.write(f"  {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
