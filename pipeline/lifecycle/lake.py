"""The stores of a platform's lake, with the shipped policy."""

from __future__ import annotations

from functools import partial

from pipeline.endpoints import ObjectStoreEndpoint
from pipeline.lake.delta import storage_options, table_root
from pipeline.lake.lease import lease
from pipeline.lake.objects import Objects
from pipeline.lifecycle.delta_days import DeltaDays
from pipeline.lifecycle.policy import Policy
from pipeline.lifecycle.stores import Stores


def lake_stores(endpoint: ObjectStoreEndpoint, objects: Objects, *, holder: str) -> Stores:
    """What the life cycle works on here. ``holder``: who holds a table's lease, for messages."""
    return Stores(
        policy=Policy.shipped(),
        objects=objects,
        tables=DeltaDays(root=table_root(endpoint), storage_options=storage_options(endpoint)),
        hold=partial(lease, objects, holder=holder),
    )
