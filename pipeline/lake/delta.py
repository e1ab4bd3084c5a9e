"""How delta-rs reaches the lake's tables."""

from __future__ import annotations

import re
from typing import Final

from pipeline.endpoints import ObjectStoreEndpoint

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def table_root(endpoint: ObjectStoreEndpoint) -> str:
    """The URI below which tables lie."""
    return f"s3://{endpoint.bucket}"


def storage_options(endpoint: ObjectStoreEndpoint) -> dict[str, str]:
    """What delta-rs has to be told. Holds credentials, unless the machine's role is used."""
    keys = {"AWS_ACCESS_KEY_ID": endpoint.access_key, "AWS_SECRET_ACCESS_KEY": endpoint.secret_key}
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_ALLOW_HTTP": str(endpoint.url.startswith("http://")).lower(),
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": str(not endpoint.path_style).lower(),
        # Of two who commit at once the store itself refuses the second.
        "AWS_CONDITIONAL_PUT": "etag",
        **{name: key for name, key in keys.items() if key is not None},
    }


def said(error: Exception) -> str:
    """What delta-rs says of an error, on one line and without its colours."""
    return " ".join(_COLOUR.sub("", str(error)).split())
