"""New versions of a contract, made of the current one."""

from __future__ import annotations

from pipeline.contract.compatibility import successor
from pipeline.contract.odcs import DataContract, Property


def with_nullable_text(contract: DataContract, name: str) -> DataContract:
    """The next version, with one field more: a text that may be null."""
    (table,) = contract.objects
    field = Property.model_validate(
        {
            "name": name,
            "logicalType": "string",
            "physicalType": "string",
            "description": "Added later; null in what is older, and where nothing is known.",
        }
    )
    objects = (table.model_copy(update={"properties": (*table.properties, field)}),)
    return contract.model_copy(update={"version": successor(contract.version), "objects": objects})
