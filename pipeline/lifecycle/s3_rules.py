"""The same policy as S3 life-cycle rules. Not verified on AWS: only checked against botocore's model.

What the rules do, and what the engine still does there:

- The engine archives a table's days, as everywhere, because no rule knows which of a table's files a commit
  has removed. The rule immediately moves what the engine copied below ``cold/data/`` to the storage class;
  the records beside it stay readable.
- Objects that are moved individually keep their keys and change class by themselves when they are old
  enough. S3 counts from an object's creation, the engine from the end of the day in its key: a file that was
  dropped late is moved late, never early. The engine is given no such objects there.
- Restored tables are removed with their requests; a rule removes them if nobody does.
"""

from __future__ import annotations

from typing import Any, Final

from pipeline.lifecycle.archive_record import data_prefix
from pipeline.lifecycle.policy import Policy

_STANDARD: Final = "Standard"
"""The retrieval tier of 3 to 5 hours; expedited takes minutes, bulk up to 12 hours."""


def s3_lifecycle_configuration(policy: Policy) -> dict[str, Any]:
    """Return the argument of PutBucketLifecycleConfiguration, which replaces the bucket's rules."""
    storage_class = policy.tiers.cold.storage_class
    moved = [
        _rule(
            f"cold-{covered.prefix.replace('/', '-').strip('-')}",
            covered.prefix,
            # An object may be created up to a day before the day in its key ends.
            Transitions=[{"Days": policy.tiers.warm.under_days + 1, "StorageClass": storage_class}],
        )
        for covered in policy.covers
        if covered.moved == "object"
    ]
    archived = _rule(
        "cold-archive",
        data_prefix(policy),
        Transitions=[{"Days": 0, "StorageClass": storage_class}],
    )
    restored = _rule(
        "restored-expire", policy.restore.prefix, Expiration={"Days": policy.restore.kept_days + 1}
    )
    return {"Rules": [archived, *moved, restored]}


def restore_object_parameters(policy: Policy, *, bucket: str, key: str) -> dict[str, Any]:
    """Return the parameters of RestoreObject for one archived object."""
    return {
        "Bucket": bucket,
        "Key": key,
        "RestoreRequest": {
            "Days": policy.restore.kept_days,
            "GlacierJobParameters": {"Tier": _STANDARD},
        },
    }


def _rule(identity: str, prefix: str, **action: Any) -> dict[str, Any]:
    return {"ID": identity, "Status": "Enabled", "Filter": {"Prefix": prefix}, **action}
