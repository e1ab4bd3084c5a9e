"""Files that nodes leave at a clean exit, for the next start: archives of loaded classes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Final

from harness.backends.instance import Instance
from harness.processes.stopping import ENDED_IN_ORDER

_KEEP_TIMEOUT_S: Final = 60.0
"""For a node that writes files to keep as it exits, which takes seconds."""


def stop_timeout_s(instance: Instance, name: str) -> float:
    """Time between SIGTERM and SIGKILL for a node."""
    return _KEEP_TIMEOUT_S if name in instance.keep else instance.places[name].stop_timeout_s


def keep_files(instance: Instance, exits: Mapping[str, int | None]) -> None:
    """Move the files of nodes that exited cleanly. A killed node's files may be incomplete.

    ``exits`` has the exit code of each node, or None while it runs.
    """
    for name, exit_code in exits.items():
        for made, kept in instance.keep.get(name, {}).items():
            if exit_code in ENDED_IN_ORDER and made.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                partial = kept.with_suffix(f".{instance.id}.partial")
                shutil.move(made, partial)
                partial.replace(kept)
