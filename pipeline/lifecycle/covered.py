"""What the policy covers, as it lies in a lake now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pipeline.lifecycle.plan import StoredObject
from pipeline.lifecycle.stores import Stores

Sizes = Callable[[str], Mapping[str, int]]
"""The sizes in bytes of the objects whose keys begin so."""


def covered_objects(stores: Stores, sizes: Sizes) -> Iterator[StoredObject]:
    """The files that the logs of tables list, and objects that are moved one by one.

    Raises TableUnreadable, and what ``sizes`` raises.
    """
    for covered in stores.policy.covers:
        if covered.moved == "day":
            yield from stores.tables.live(covered.prefix.removesuffix("/"))
        else:
            yield from (StoredObject(key=key, bytes=size) for key, size in sizes(covered.prefix).items())
