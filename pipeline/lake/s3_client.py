"""A client for S3-compatible object stores, and the translation of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.base.errors import NoSuchObject, NotDeployed, ObjectStoreFailed

_CONNECT_TIMEOUT_S: Final = 5.0
TIMEOUT_S: Final = 30.0
"""The timeout for the first byte of a response."""
ATTEMPTS: Final = 4
_MISSING: Final = ("404", "NoSuchKey")
_NO_BUCKET: Final = "NoSuchBucket"


def s3_client(endpoint: ObjectStoreEndpoint, *, attempts: int, timeout_s: float) -> Any:
    """Return AWS's client for this store. It ignores user settings except the machine role's credentials.

    Thread-safe.
    """
    # Imported lazily: it takes a quarter of a second.
    from boto3.session import Session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return Session().client(
        "s3",
        endpoint_url=endpoint.url,
        region_name=endpoint.region,
        aws_access_key_id=endpoint.access_key,
        aws_secret_access_key=endpoint.secret_key,
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=timeout_s,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            s3={"addressing_style": "path" if endpoint.path_style else "virtual"},
            proxies={},
        ),
    )


@contextmanager
def as_pipeline_errors(doing: str) -> Iterator[None]:
    """Translate the client's errors to NotDeployed or ObjectStoreFailed, which say what was being done."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        if error_code(error) == _NO_BUCKET:
            raise NotDeployed([f"{doing}: the object store has no such bucket"]) from error
        kind = NoSuchObject if error_code(error) in _MISSING else ObjectStoreFailed
        raise kind(f"{doing}: {error}") from error
    except BotoCoreError as error:
        raise ObjectStoreFailed(f"{doing}: {error}") from error


def error_code(error: Any) -> str:
    """Return the store's error code of a ClientError."""
    code: str = error.response.get("Error", {}).get("Code", "")
    return code
