"""Probes an object store with real work: writes an object to its own bucket and reads it back."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Final

from harness.services.protocol import NotReady
from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.base.errors import ObjectStoreFailed
from pipeline.lake.objects import Objects

_BUCKET: Final = "floodmark-probe"


def check_store(endpoint: ObjectStoreEndpoint) -> None:
    """Write and read an object through this endpoint. Raises ``NotReady``."""
    key, written = "probe", uuid.uuid4().bytes
    try:
        objects = Objects(replace(endpoint, bucket=_BUCKET), attempts=1, timeout_s=5.0)
        objects.create_bucket()
        objects.put(key, written)
        found = objects.get(key)
    except ObjectStoreFailed as error:
        raise NotReady(str(error)) from error
    if found != written:
        raise NotReady("the object read back differs from the one written")
