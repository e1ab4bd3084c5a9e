"""Maven: fetches locked jars, and resolves what an engine needs when the lock is made."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from harness.artifacts.clients import ClientFailed, Download, gave_up, run_client
from harness.artifacts.coordinates import LockedArtifact, MavenCoordinates
from harness.artifacts.digests import sha256_of
from harness.artifacts.engines import EngineSpec
from harness.artifacts.java import installed_javas
from harness.base.errors import ArtifactError

if TYPE_CHECKING:  # its module is slow to import, and a warm start should not be
    from harness.base.report import Report

_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_MVN: Final = ("mvn", "--batch-mode", "-Dstyle.color=never")
_RUNTIME_SCOPES: Final = ("compile", "runtime")
_HINT: Final = "Look at the network, and at the mirrors and proxies in Maven's settings.xml."


class Maven:
    """Fetches exactly the files of the lock: nothing is resolved, so nothing can drift."""

    def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
        """Copy every jar into its folder, out of Maven's local repository or its mirrors."""
        fetched = 0

        def on_line(line: str) -> None:
            nonlocal fetched
            if line.startswith("[INFO] Downloaded from ") and ".jar (" in line:
                fetched += 1
                if fetched % 20 == 0:
                    report(f"Maven: {fetched} files downloaded")

        report(f"Maven fetches {len(downloads)} jars")
        _run("copy", _copy_pom(downloads), f"{len(downloads)} jars", on_line)


def resolve(spec: EngineSpec) -> tuple[LockedArtifact, ...]:
    """Resolve an engine's coordinates to every file that it needs to run, with its digest."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "list.txt")
        options = (
            f"-DoutputFile={listing}",
            "-DincludeScope=runtime",
            "-DoutputAbsoluteArtifactFilename=true",
        )
        _run("list", _resolve_pom(spec), f"what {spec.name} needs", lambda _: None, *options)
        return tuple(_locked(line) for line in listing.read_text().splitlines() if line.startswith("   "))


def _locked(line: str) -> LockedArtifact:
    """Read ``   org.lz4:lz4-java:jar:1.8.0:compile:/path/to/lz4-java-1.8.0.jar -- module org.lz4``."""
    scopes = "|".join(_RUNTIME_SCOPES)
    match = re.match(
        rf"\s+(?P<coordinates>\S+):(?:{scopes})(?: \(optional\))?:(?P<path>.+?)(?: -- .*)?$", line
    )
    if match is None:
        raise ArtifactError(f"Maven's list of dependencies has a line that is not understood: {line!r}")
    coordinates = MavenCoordinates.parse(match["coordinates"])
    return LockedArtifact(
        source="maven",
        coordinates=str(coordinates),
        file_name=coordinates.file_name,
        sha256=sha256_of(Path(match["path"].strip())),
    )


def _run(goal: str, pom: str, doing: str, on_line: Callable[[str], None], *options: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pom.xml").write_text(pom)
        try:
            run_client(
                (*_MVN, f"{_PLUGIN}:{goal}", *options),
                cwd=Path(folder),
                on_line=on_line,
                environment={**_java_home(), **os.environ},
            )
        except FileNotFoundError as missing:
            raise ArtifactError(
                f"Maven is needed to fetch {doing}, and there is no `mvn` on the PATH; "
                "`floodmark doctor` prints the command that installs it"
            ) from missing
        except ClientFailed as failed:
            raise gave_up("Maven", doing, failed, _HINT) from failed


def _java_home() -> dict[str, str]:
    """For a Java that lies where Maven does not look, such as in a wheel. The user's own choice wins."""
    java = next(installed_javas(), None)
    return {"JAVA_HOME": str(java.path)} if java else {}


def _copy_pom(downloads: Sequence[Download]) -> str:
    items = (
        _element(
            "artifactItem",
            _fields(MavenCoordinates.parse(d.artifact.coordinates)) + _tag("outputDirectory", str(d.folder)),
        )
        for d in downloads
    )
    group, name, version = _PLUGIN.split(":")
    plugin = (
        _tag("groupId", group)
        + _tag("artifactId", name)
        + _tag("version", version)
        + _element("configuration", _element("artifactItems", "".join(items)))
    )
    return _pom(_element("build", _element("plugins", _element("plugin", plugin))))


def _resolve_pom(spec: EngineSpec) -> str:
    left_out = _exclusions(spec.exclude if spec.transitive else ("*:*",))
    needed = (_element("dependency", _fields(c) + left_out) for c in spec.maven)
    return _pom(_element("dependencies", "".join(needed)))


def _exclusions(patterns: Sequence[str]) -> str:
    """Of ``group:artifact``, where either may be ``*``; they hold at every depth below a dependency."""
    parts = (pattern.partition(":") for pattern in patterns)
    excluded = (
        _element("exclusion", _tag("groupId", group) + _tag("artifactId", name)) for group, _, name in parts
    )
    return _element("exclusions", "".join(excluded))


def _fields(coordinates: MavenCoordinates) -> str:
    return (
        _tag("groupId", coordinates.group)
        + _tag("artifactId", coordinates.name)
        + _tag("version", coordinates.version)
        + _tag("type", coordinates.extension)
        + (_tag("classifier", coordinates.classifier) if coordinates.classifier else "")
    )


def _pom(body: str) -> str:
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>floodmark</groupId><artifactId>engines</artifactId>"
        f"<version>1</version><packaging>pom</packaging>{body}</project>"
    )


def _tag(name: str, text: str) -> str:
    return _element(name, escape(text))


def _element(name: str, body: str) -> str:
    return f"<{name}>{body}</{name}>"
