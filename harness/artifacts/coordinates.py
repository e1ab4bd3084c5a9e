"""Names of artifacts: Maven coordinates, and PyPI projects with versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_PYPI: Final = re.compile(r"(?P<pinned>[^\s;=]+==[^\s;=]+)(; platform_machine == '(?P<machine>\w+)')?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MavenCoordinates:
    """``group:name:extension[:classifier]:version``, as Maven itself writes them."""

    group: str
    name: str
    version: str
    extension: str = "jar"
    classifier: str = ""

    @staticmethod
    def parse(text: str) -> MavenCoordinates:
        """Parse ``group:name:version`` or the longer forms that Maven prints. Raises ValueError."""
        match text.split(":"):
            case [group, name, version]:
                return MavenCoordinates(group=group, name=name, version=version)
            case [group, name, extension, version]:
                return MavenCoordinates(group=group, name=name, extension=extension, version=version)
            case [group, name, extension, classifier, version]:
                return MavenCoordinates(
                    group=group, name=name, extension=extension, classifier=classifier, version=version
                )
        raise ValueError(f"{text!r} is not group:name[:extension[:classifier]]:version")

    def __str__(self) -> str:
        classifier = f":{self.classifier}" if self.classifier else ""
        return f"{self.group}:{self.name}:{self.extension}{classifier}:{self.version}"

    @property
    def file_name(self) -> str:
        """The file name that Maven gives its copy."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.extension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedArtifact:
    """One file of an engine, pinned to its digest."""

    source: Literal["maven", "pypi"]
    coordinates: str
    """Maven's or PyPI's."""
    file_name: str
    sha256: str

    @property
    def machine(self) -> str:
        """The machine type it is built for, such as ``x86_64``; "" for any."""
        return PypiCoordinates.parse(self.coordinates).machine if self.source == "pypi" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiCoordinates:
    """``project==version``, for any machine, or for one: ``project==version; platform_machine == 'x86_64'``.

    This is pip's syntax; no other marker is supported.
    """

    pinned: str
    """``project==version``."""
    machine: str = ""

    @staticmethod
    def parse(text: str) -> PypiCoordinates:
        """Parse either form. Raises ValueError."""
        match = _PYPI.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not project==version[; platform_machine == '<machine>']")
        return PypiCoordinates(pinned=match["pinned"], machine=match["machine"] or "")
