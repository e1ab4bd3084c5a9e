"""Which running platform a command means: by its endpoints, or the one that `floodmark up` started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.backends.process.instance import instances
from harness.errors import InvalidInput, PlatformError, Problem

EndpointsOption = Annotated[
    Path | None,
    typer.Option("--endpoints", help="A platform's endpoints.json.  [default: the one that runs here]"),
]


def endpoints_of(chosen: Path | None) -> Path:
    """The file of endpoints. Raises InvalidInput, and PlatformError unless exactly one platform runs."""
    if chosen is not None:
        if not chosen.is_file():
            allowed = "a file that `floodmark up` or a run wrote"
            raise InvalidInput([Problem(where="--endpoints", found=str(chosen), allowed=allowed)])
        return chosen
    running = [instance for instance in instances() if instance.endpoints_file.is_file()]
    if not running:
        raise PlatformError("no platform runs here; `floodmark up lambda` starts one with a batch layer")
    if len(running) > 1:
        files = ", ".join(str(instance.endpoints_file) for instance in running)
        raise PlatformError(f"several platforms run; name one by --endpoints: {files}")
    return running[0].endpoints_file
