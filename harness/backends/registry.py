"""Where nodes live. To add a backend: its file here, and a line in ``BACKENDS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from harness.base.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from harness.backends.protocol import Backend


def _process() -> Backend:
    # Imported when asked for: it brings every engine's client with it.
    from harness.backends.process import ProcessBackend  # noqa: PLC0415

    return ProcessBackend()


BACKENDS: Final[Mapping[str, Callable[[], Backend]]] = MappingProxyType({"process": _process})
"""Each by the name that ``--backend`` takes."""
DEFAULT_BACKEND: Final = next(iter(BACKENDS))


def backend_of(name: str) -> Backend:
    """The backend of this name. Raises ``InvalidInput``."""
    if name not in BACKENDS:
        raise InvalidInput([Problem(where="--backend", found=name, allowed=", ".join(BACKENDS))])
    return BACKENDS[name]()
