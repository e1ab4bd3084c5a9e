"""The same policy as the object store's own rules, for AWS. Not verified on AWS: botocore's model of the API
accepts what stands here, and nobody has run it there.

What the rules do, and what the engine still does there:

- a table's days are archived by the engine, as everywhere, since no rule knows which of a table's files a
  commit has removed. The rule moves what the engine copied below ``cold/data/`` into the class at once; the
  records beside it stay readable;
- objects that are moved one by one stay under their keys, and change class by themselves when they are old
  enough. S3 counts from when an object was made, and the engine from the end of the day in its key: a file
  that was dropped late is moved late, never early. The engine is given no such objects there;
- what was restored as a table is removed with the requests; a rule removes it, too, if nobody does.
"""

from __future__ import annotations

from typing import Any, Final

from pipeline.lifecycle.policy import Policy
from pipeline.lifecycle.record import data_prefix

_STANDARD: Final = "Standard"
"""The retrieval of 3 to 5 hours; expedited and bulk ones take minutes and up to 12 hours."""


def s3_lifecycle_configuration(policy: Policy) -> dict[str, Any]:
    """``LifecycleConfiguration`` of PutBucketLifecycleConfiguration. It replaces whatever the bucket has."""
    storage_class = policy.tiers.cold.storage_class
    moved = [
        _rule(
            f"cold-{covered.prefix.replace('/', '-').strip('-')}",
            covered.prefix,
            # An object may be made up to a day before the day in its key has ended.
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
    """The parameters of RestoreObject for one archived object."""
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
