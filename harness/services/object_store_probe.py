"""Asks an object store for real work: an object written and read back, in a bucket of the probe's own."""

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
        raise NotReady("an object that was written was not the one that was read")
