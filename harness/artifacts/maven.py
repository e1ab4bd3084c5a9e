"""Maven: fetches locked jars, and resolves an engine's dependencies for the lock."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from harness.artifacts.clients import ClientFailed, Download, fetch_error, run_client
from harness.artifacts.coordinates import LockedArtifact, MavenCoordinates
from harness.artifacts.engines import EngineSpec
from harness.artifacts.java import installed_javas
from harness.base.errors import ArtifactError
from harness.base.files import sha256_of

if TYPE_CHECKING:  # slow to import; keeps warm starts fast
    from harness.base.report import Report

_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_MVN: Final = ("mvn", "--batch-mode", "-Dstyle.color=never")
_RUNTIME_SCOPES: Final = ("compile", "runtime")
_HINT: Final = "Check the network, and the mirrors and proxies in Maven's settings.xml."


class Maven:
    """Fetches exactly the locked files; nothing is resolved, so nothing can drift."""

    def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
        """Copy every jar into its folder, from Maven's local repository or its mirrors."""
        fetched = 0

        def on_line(line: str) -> None:
            nonlocal fetched
            if line.startswith("[INFO] Downloaded from ") and ".jar (" in line:
                fetched += 1
                if fetched % 20 == 0:
                    report(f"Maven: {fetched} files downloaded")

        report(f"fetching {len(downloads)} jars with Maven")
        _run("copy", _copy_pom(downloads), f"{len(downloads)} jars", on_line)


def resolve(spec: EngineSpec) -> tuple[LockedArtifact, ...]:
    """Resolve an engine's coordinates to all files it needs to run, with their digests."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "list.txt")
        options = (
            f"-DoutputFile={listing}",
            "-DincludeScope=runtime",
            "-DoutputAbsoluteArtifactFilename=true",
        )
        _run("list", _resolve_pom(spec), f"the dependencies of {spec.name}", lambda _: None, *options)
        return tuple(_locked(line) for line in listing.read_text().splitlines() if line.startswith("   "))


def _locked(line: str) -> LockedArtifact:
    """Parse ``   org.lz4:lz4-java:jar:1.8.0:compile:/path/to/lz4-java-1.8.0.jar -- module org.lz4``."""
    scopes = "|".join(_RUNTIME_SCOPES)
    match = re.match(
        rf"\s+(?P<coordinates>\S+):(?:{scopes})(?: \(optional\))?:(?P<path>.+?)(?: -- .*)?$", line
    )
    if match is None:
        raise ArtifactError(f"cannot parse a line of Maven's dependency list: {line!r}")
    coordinates = MavenCoordinates.parse(match["coordinates"])
    return LockedArtifact(
        source="maven",
        coordinates=str(coordinates),
        file_name=coordinates.file_name,
        sha256=sha256_of(Path(match["path"].strip())),
    )


def _run(goal: str, pom: str, subject: str, on_line: Callable[[str], None], *options: str) -> None:
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
                f"Maven is needed to fetch {subject}, but `mvn` is not on the PATH; "
                "`floodmark doctor` prints the command that installs it"
            ) from missing
        except ClientFailed as failed:
            raise fetch_error("Maven", subject, failed, _HINT) from failed


def _java_home() -> dict[str, str]:
    """For a Java where Maven does not look, such as in a wheel. The user's own setting wins."""
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
    exclusions = _exclusions(spec.exclude if spec.transitive else ("*:*",))
    dependencies = (_element("dependency", _fields(c) + exclusions) for c in spec.maven)
    return _pom(_element("dependencies", "".join(dependencies)))


def _exclusions(patterns: Sequence[str]) -> str:
    """Exclude ``group:artifact`` (either may be ``*``) at every depth below a dependency."""
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
