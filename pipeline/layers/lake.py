"""The lake layer: the bucket in which days are made, and the contracts that it begins with.

Its tables are created by the first day that is run (pipeline/days/), in processes that whoever runs days
starts and that end by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LayerName, PipelineOptions
from pipeline.layers.protocol import LayerStatus, Process


class LakeLayer:
    """Nothing of it runs between days."""

    name: LayerName = "lake"
    services: Sequence[str] = ("object_store", "spark")

    def processes(self, options: PipelineOptions) -> Sequence[Process]:
        """None that last as long as the deployment."""
        return ()

    def deploy(self, endpoints: Endpoints, options: PipelineOptions) -> None:
        """Create the bucket, and register the shipped contract."""
        from pipeline.catalogue.catalogue import current_event_contract
        from pipeline.catalogue.lake_catalogue import LakeCatalogue
        from pipeline.lake.objects import Objects

        objects = Objects(endpoints.object_store)
        objects.create_bucket()
        current_event_contract(LakeCatalogue(objects))

    def upgrade(self, endpoints: Endpoints, old: PipelineOptions, new: PipelineOptions) -> None:
        """Nothing to do: the next process that runs days reads its options anew."""

    def undeploy(self, endpoints: Endpoints) -> None:
        """Remove every object of the bucket."""
        from pipeline.lake.objects import Objects

        objects = Objects(endpoints.object_store)
        for key in objects.list(""):
            objects.delete(key)

    def status(self, endpoints: Endpoints) -> LayerStatus:
        """Whether the bucket is there."""
        from pipeline.lake.objects import Objects

        store = endpoints.object_store
        return LayerStatus(deployed=Objects(store).has_bucket(), detail=f"bucket {store.bucket}")
