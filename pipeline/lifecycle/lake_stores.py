"""The stores of a platform's lake with the shipped policy, and the objects that the policy covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.lake.delta_rs import storage_options, table_root
from pipeline.lake.lease import lease
from pipeline.lake.objects import Objects
from pipeline.lifecycle.delta_days import DeltaDays
from pipeline.lifecycle.plan import StoredObject
from pipeline.lifecycle.policy import Policy
from pipeline.lifecycle.stores import Stores

Sizes = Callable[[str], Mapping[str, int]]
"""Returns the sizes in bytes of the objects with a prefix, by key."""


def lake_stores(endpoint: ObjectStoreEndpoint, objects: Objects, *, holder: str) -> Stores:
    """Return the stores of this lake. ``holder`` names the holder of leases, for messages."""
    return Stores(
        policy=Policy.shipped(),
        objects=objects,
        tables=DeltaDays(root=table_root(endpoint), storage_options=storage_options(endpoint)),
        hold=partial(lease, objects, holder=holder),
    )


def covered_objects(stores: Stores, sizes: Sizes) -> Iterator[StoredObject]:
    """Yield the files in the logs of covered tables, and the objects that are moved individually.

    Raises TableUnreadable, and what ``sizes`` raises.
    """
    for covered in stores.policy.covers:
        if covered.moved == "day":
            yield from stores.tables.live(covered.prefix.removesuffix("/"))
        else:
            yield from (StoredObject(key=key, bytes=size) for key, size in sizes(covered.prefix).items())
