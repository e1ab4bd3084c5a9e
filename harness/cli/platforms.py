"""Selects a command's platform: by its endpoints file, or the one that `floodmark up` started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.backends.registry import running
from harness.base.errors import InvalidInput, PlatformError, Problem
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import SettingsRefused

EndpointsOption = Annotated[
    Path | None,
    typer.Option("--endpoints", help="A platform's endpoints.json.  [default: the one running here]"),
]


def platform_of(chosen: Path | None, *, needs: Sequence[str]) -> Endpoints:
    """The platform's endpoints, including those of all services in ``needs``.

    Raises InvalidInput for a file that cannot be used, and PlatformError if a service is missing
    or, without a file, unless exactly one platform runs.
    """
    file = _running() if chosen is None else chosen
    try:
        endpoints = Endpoints.load(file)
    except SettingsRefused as error:
        allowed = "a file that `floodmark up` or a run wrote"
        raise InvalidInput(
            [Problem(where=f"--endpoints {file}", found=found, allowed=allowed) for found in error.problems]
        ) from error
    there = [endpoint.service for endpoint in endpoints.services]
    if lacking := [service for service in needs if service not in there]:
        raise PlatformError(
            f"the platform of {file} has no {', no '.join(lacking)}; it has"
            f" {', '.join(there) or 'no service'}. `floodmark up lambda` starts one with a lake"
        )
    return endpoints


def _running() -> Path:
    files = [instance.endpoints_file for instance in running() if instance.endpoints_file.is_file()]
    if not files:
        raise PlatformError("no platform is running here; `floodmark up lambda` starts one with a lake")
    if len(files) > 1:
        raise PlatformError(f"several platforms run; choose by --endpoints: {', '.join(map(str, files))}")
    return files[0]
