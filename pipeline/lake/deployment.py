"""The lake on a running platform: its bucket, and the contracts that it begins with."""

from __future__ import annotations

from pipeline.catalogue.events import current_event_contract
from pipeline.catalogue.lake import LakeCatalogue
from pipeline.endpoints import ObjectStoreEndpoint
from pipeline.lake.objects import Objects


def deploy_lake(endpoint: ObjectStoreEndpoint) -> None:
    """Make the bucket, and register the shipped contract; what is there already is left alone."""
    objects = Objects(endpoint)
    objects.create_bucket()
    current_event_contract(LakeCatalogue(objects))


def undeploy_lake(endpoint: ObjectStoreEndpoint) -> None:
    """Remove every object of the bucket."""
    objects = Objects(endpoint)
    for key in objects.list(""):
        objects.delete(key)
