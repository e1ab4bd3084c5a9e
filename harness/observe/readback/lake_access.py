"""The lake of a platform, as what reads it without Spark is told of it."""

from __future__ import annotations

from harness.observe.readback.lake import Lake
from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.lake.delta_rs import storage_options, table_root


def lake_of(endpoint: ObjectStoreEndpoint) -> Lake:
    """The endpoint's bucket."""
    return Lake(root=table_root(endpoint), storage_options=storage_options(endpoint))
