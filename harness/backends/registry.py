"""All backends, by name. To add one: its folder or file here, and a line in ``BACKENDS``.

Every command imports this for the names alone, so backends are imported only when used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from harness.base.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from harness.backends.attached import Attached
    from harness.backends.instance import Instance
    from harness.backends.protocol import Backend

_LOG: Final = logging.getLogger(__name__)


def _process() -> Backend:
    from harness.backends.process.backend import ProcessBackend  # noqa: PLC0415

    return ProcessBackend()


BACKENDS: Final[Mapping[str, Callable[[], Backend]]] = MappingProxyType({"process": _process})
"""By the name for ``--backend``."""
DEFAULT_BACKEND: Final = "process"


def backend_of(name: str) -> Backend:
    """The backend with this name. Raises ``InvalidInput`` for an unknown one."""
    if name not in BACKENDS:
        raise InvalidInput([Problem(where="--backend", found=name, allowed=", ".join(BACKENDS))])
    return BACKENDS[name]()


def running() -> tuple[Instance, ...]:
    """All platforms, on any backend, that are running or were not cleaned up; oldest first."""
    from harness.backends.instance import instances  # noqa: PLC0415

    for one in instances():
        if one.backend not in BACKENDS:
            _LOG.warning("ignoring %s: its backend %r is not known to this version", one.id, one.backend)
    found = (instance for made in BACKENDS.values() for instance in made().running())
    return tuple(sorted(found, key=lambda instance: instance.created_at))


def attach(instance: Instance) -> Attached:
    """Attach to a platform, from any command. Raises ``PlatformError`` when it is gone."""
    return backend_of(instance.backend).attach(instance.id)
