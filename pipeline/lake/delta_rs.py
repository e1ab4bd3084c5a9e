"""Connects delta-rs to the lake's tables."""

from __future__ import annotations

import re
from typing import Final

from pipeline.base.endpoints import ObjectStoreEndpoint

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def table_root(endpoint: ObjectStoreEndpoint) -> str:
    """Return the URI under which tables lie."""
    return f"s3://{endpoint.bucket}"


def storage_options(endpoint: ObjectStoreEndpoint) -> dict[str, str]:
    """Return delta-rs' storage options. They contain credentials, unless the machine's role is used."""
    keys = {"AWS_ACCESS_KEY_ID": endpoint.access_key, "AWS_SECRET_ACCESS_KEY": endpoint.secret_key}
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_ALLOW_HTTP": str(endpoint.url.startswith("http://")).lower(),
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": str(not endpoint.path_style).lower(),
        # Of two concurrent commits the store itself refuses the second.
        "AWS_CONDITIONAL_PUT": "etag",
        **{name: key for name, key in keys.items() if key is not None},
    }


def message_of(error: Exception) -> str:
    """Return delta-rs' error message on one line, without colours."""
    return " ".join(_COLOUR.sub("", str(error)).split())
