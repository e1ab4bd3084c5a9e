"""The lake of a platform, as what reads it without Spark is told of it."""

from __future__ import annotations

from harness.observe.lake import Lake
from pipeline.endpoints import ObjectStoreEndpoint


def lake_of(endpoint: ObjectStoreEndpoint) -> Lake:
    """The endpoint's bucket."""
    keys = {"AWS_ACCESS_KEY_ID": endpoint.access_key, "AWS_SECRET_ACCESS_KEY": endpoint.secret_key}
    return Lake(
        root=f"s3://{endpoint.bucket}",
        storage_options={
            "AWS_ENDPOINT_URL": endpoint.url,
            "AWS_REGION": endpoint.region,
            "AWS_ALLOW_HTTP": str(endpoint.url.startswith("http://")).lower(),
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": str(not endpoint.path_style).lower(),
            **{name: key for name, key in keys.items() if key is not None},
        },
    )
