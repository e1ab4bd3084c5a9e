"""The lake's objects: bytes under keys."""

from __future__ import annotations

from typing import Any, Final

from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.lake.s3_client import ATTEMPTS, TIMEOUT_S, as_pipeline_errors, error_code, s3_client

_EXISTS: Final = ("PreconditionFailed", "ConditionalRequestConflict")
_BUCKET_IS_OURS: Final = ("BucketAlreadyOwnedByYou",)
_NO_BUCKET: Final = ("404", "NoSuchBucket")
_DEFAULT_REGION: Final = "us-east-1"
"""The one region that S3 does not accept as the location of a new bucket."""


class Objects:
    """The objects of the endpoint's bucket. Every method may be repeated.

    Methods raise ObjectStoreFailed, and NotDeployed if the bucket does not exist. Thread-safe.
    """

    def __init__(
        self, endpoint: ObjectStoreEndpoint, *, attempts: int = ATTEMPTS, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._endpoint = endpoint
        self._client = s3_client(endpoint, attempts=attempts, timeout_s=timeout_s)

    def create_bucket(self) -> None:
        """Create the bucket; one that is already ours is left alone."""
        region = self._endpoint.region
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with as_pipeline_errors(f"making the bucket {self._endpoint.bucket}"):
            self._unless(
                _BUCKET_IS_OURS, self._client.create_bucket, **({} if region == _DEFAULT_REGION else place)
            )

    def has_bucket(self) -> bool:
        """Return whether the bucket exists."""
        with as_pipeline_errors(f"asking for the bucket {self._endpoint.bucket}"):
            return self._unless(_NO_BUCKET, self._client.head_bucket) is not None

    def get(self, key: str) -> bytes:
        """Return an object's bytes. Raises NoSuchObject."""
        with as_pipeline_errors(f"reading {key}"):
            body: bytes = self._call(self._client.get_object, Key=key)["Body"].read()
            return body

    def put(self, key: str, body: bytes) -> None:
        """Write an object, replacing an existing one."""
        with as_pipeline_errors(f"writing {key}"):
            self._call(self._client.put_object, Key=key, Body=body)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless the key exists; return whether it was written.

        Exactly one of many concurrent writers succeeds. A writer whose response was lost and that retried may
        get False although it wrote; read the object to find out.
        """
        with as_pipeline_errors(f"writing {key} if it is not there"):
            put = self._client.put_object
            return self._unless(_EXISTS, put, Key=key, Body=body, IfNoneMatch="*") is not None

    def copy(self, key: str, to_key: str) -> None:
        """Copy an object, replacing an existing one. Raises NoSuchObject."""
        source = {"Bucket": self._endpoint.bucket, "Key": key}
        with as_pipeline_errors(f"copying {key} to {to_key}"):
            # Copies objects that are too large for one request in parts.
            self._call(self._client.copy, CopySource=source, Key=to_key)

    def list(self, prefix: str) -> tuple[str, ...]:
        """Return the keys with this prefix in byte order, without S3A's markers of empty folders."""
        return tuple(self.sizes(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the sizes in bytes of the objects that ``list`` returns, by key and in its order."""
        with as_pipeline_errors(f"listing {prefix}"):
            pages = self._call(self._client.get_paginator("list_objects_v2").paginate, Prefix=prefix)
            found = (there for page in pages for there in page.get("Contents", ()))
            return {there["Key"]: there["Size"] for there in found if not there["Key"].endswith("/")}

    def size(self, key: str) -> int:
        """Return an object's size in bytes. Raises NoSuchObject."""
        with as_pipeline_errors(f"asking for the size of {key}"):
            return int(self._call(self._client.head_object, Key=key)["ContentLength"])

    def etag(self, key: str) -> str:
        """Return a tag that changes with an object's content. Raises NoSuchObject."""
        with as_pipeline_errors(f"asking for the ETag of {key}"):
            return str(self._call(self._client.head_object, Key=key)["ETag"]).strip('"')

    def delete(self, key: str) -> None:
        """Remove an object if it exists."""
        with as_pipeline_errors(f"removing {key}"):
            self._call(self._client.delete_object, Key=key)

    def _call(self, operation: Any, **arguments: Any) -> Any:
        return operation(Bucket=self._endpoint.bucket, **arguments)

    def _unless(self, expected: tuple[str, ...], operation: Any, **arguments: Any) -> Any | None:
        """Return the operation's response; None if it fails with one of the expected codes."""
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            return self._call(operation, **arguments)
        except ClientError as error:
            if error_code(error) not in expected:
                raise
            return None
