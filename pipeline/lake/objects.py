"""Objects of the lake: bytes under keys."""

from __future__ import annotations

from typing import Any, Final

from pipeline.endpoints import ObjectStoreEndpoint
from pipeline.lake.client import ATTEMPTS, TIMEOUT_S, error_code, s3_client, told

_EXISTS: Final = ("PreconditionFailed", "ConditionalRequestConflict")
_BUCKET_IS_OURS: Final = ("BucketAlreadyOwnedByYou",)
_NO_BUCKET: Final = ("404", "NoSuchBucket")
_DEFAULT_REGION: Final = "us-east-1"
"""The one whose name S3 does not take as a place for a new bucket."""


class Objects:
    """The objects of the endpoint's bucket. Every method may be repeated, and raises ObjectStoreFailed, and
    NotDeployed where it needs the bucket and there is none.

    May be used by many threads.
    """

    def __init__(
        self, endpoint: ObjectStoreEndpoint, *, attempts: int = ATTEMPTS, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._endpoint = endpoint
        self._client = s3_client(endpoint, attempts=attempts, timeout_s=timeout_s)

    def create_bucket(self) -> None:
        """Make the bucket; one that is ours already is left alone."""
        region = self._endpoint.region
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with told(f"making the bucket {self._endpoint.bucket}"):
            self._unless(
                _BUCKET_IS_OURS, self._client.create_bucket, **({} if region == _DEFAULT_REGION else place)
            )

    def has_bucket(self) -> bool:
        """Whether the bucket is there."""
        with told(f"asking for the bucket {self._endpoint.bucket}"):
            return self._unless(_NO_BUCKET, self._client.head_bucket) is not None

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises NoSuchObject."""
        with told(f"reading {key}"):
            body: bytes = self._call(self._client.get_object, Key=key)["Body"].read()
            return body

    def put(self, key: str, body: bytes) -> None:
        """Write an object, in place of the one that may be there."""
        with told(f"writing {key}"):
            self._call(self._client.put_object, Key=key, Body=body)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object where there is none; False, and nothing is written, where there is one.

        Of many who try at once exactly one succeeds. One whose answer was lost and who tried again may be
        told False although it wrote: who must know reads what is there.
        """
        with told(f"writing {key} if it is not there"):
            put = self._client.put_object
            return self._unless(_EXISTS, put, Key=key, Body=body, IfNoneMatch="*") is not None

    def copy(self, key: str, to_key: str) -> None:
        """Copy an object, in place of the one that may be there. Raises NoSuchObject."""
        source = {"Bucket": self._endpoint.bucket, "Key": key}
        with told(f"copying {key} to {to_key}"):
            # Copies what is too large for one request in parts.
            self._call(self._client.copy, CopySource=source, Key=to_key)

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin so, in the order of their bytes, without S3A's markers of empty folders."""
        return tuple(self.sizes(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """The sizes in bytes of the objects that ``list`` gives, by key and in its order."""
        with told(f"listing {prefix}"):
            pages = self._call(self._client.get_paginator("list_objects_v2").paginate, Prefix=prefix)
            found = (there for page in pages for there in page.get("Contents", ()))
            return {there["Key"]: there["Size"] for there in found if not there["Key"].endswith("/")}

    def size(self, key: str) -> int:
        """An object's size in bytes. Raises NoSuchObject."""
        with told(f"asking for the size of {key}"):
            return int(self._call(self._client.head_object, Key=key)["ContentLength"])

    def etag(self, key: str) -> str:
        """What changes when an object's content does. Raises NoSuchObject."""
        with told(f"asking for the ETag of {key}"):
            return str(self._call(self._client.head_object, Key=key)["ETag"]).strip('"')

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with told(f"removing {key}"):
            self._call(self._client.delete_object, Key=key)

    def _call(self, operation: Any, **arguments: Any) -> Any:
        return operation(Bucket=self._endpoint.bucket, **arguments)

    def _unless(self, expected: tuple[str, ...], operation: Any, **arguments: Any) -> Any | None:
        """What the operation answers; None when it is refused for one of these reasons."""
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            return self._call(operation, **arguments)
        except ClientError as error:
            if error_code(error) not in expected:
                raise
            return None
