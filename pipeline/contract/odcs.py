"""What we use of the Open Data Contract Standard v3, as types.

Parts of the standard that we do not read may stand in a contract; parts that we do read are checked strictly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from pipeline.errors import ContractError

LogicalType = Literal["string", "number", "integer", "object", "timestamp"]


class _Odcs(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", alias_generator=to_camel)


class TypeOptions(BaseModel):
    """Limits of a property's values. An option that nothing enforces is refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)

    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None


class CustomProperty(_Odcs):
    """A name and a value that the standard does not know."""

    property: str
    value: Any


class Property(_Odcs):
    """One field. ``custom_properties`` may hold ``recordPart: timestamp``: then it is not in the JSON."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    logical_type: LogicalType
    physical_type: str
    required: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    partitioned: bool = False
    description: str
    logical_type_options: TypeOptions = TypeOptions()
    custom_properties: tuple[CustomProperty, ...] = Field(default=(), strict=False)

    @property
    def record_part(self) -> str:
        """Where in the Kafka record the field is: ``value`` or ``timestamp``."""
        parts = {custom.property: str(custom.value) for custom in self.custom_properties}
        return parts.get("recordPart", "value")


class SchemaObject(_Odcs):
    """One table or topic."""

    name: str
    physical_name: str
    properties: tuple[Property, ...] = Field(min_length=1, strict=False)


class ServiceLevel(_Odcs):
    """One agreement, such as ``latency`` of 5 ``m``."""

    property: str
    value: float = Field(strict=False)
    unit: str
    element: str
    description: str


class Team(_Odcs):
    """Who owns the data."""

    name: str


class DataContract(_Odcs):
    """A data contract."""

    api_version: Literal["v3.1.0"]
    kind: Literal["DataContract"]
    id: str
    version: str
    status: str
    team: Team
    # The field's own name would shadow a method of pydantic's.
    objects: tuple[SchemaObject, ...] = Field(alias="schema", min_length=1, max_length=1, strict=False)
    service_levels: tuple[ServiceLevel, ...] = Field(alias="slaProperties", strict=False)

    @model_validator(mode="after")
    def _one_partition_key(self) -> DataContract:
        keys = [p.name for p in self.properties if p.partitioned]
        if len(keys) != 1:
            raise ValueError(f"exactly one property is the record's key (partitioned: true), found {keys}")
        return self

    @property
    def properties(self) -> tuple[Property, ...]:
        """The fields of the one table, in the contract's order."""
        return self.objects[0].properties

    @property
    def identity(self) -> tuple[str, ...]:
        """The fields that together name an event."""
        keys = sorted((p for p in self.properties if p.primary_key), key=lambda p: p.primary_key_position)
        return tuple(p.name for p in keys)

    def service_level(self, name: str) -> ServiceLevel:
        """The agreement of this name. Raises ContractError when there is none."""
        for level in self.service_levels:
            if level.property == name:
                return level
        raise ContractError(f"{self.id}: no service level is named {name}")


def load(path: Path) -> DataContract:
    """Read a contract. Raises ContractError that says what is wrong with it."""
    try:
        return DataContract.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ContractError(f"{path.name}: {error}") from error
