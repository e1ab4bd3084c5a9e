"""The parts of the Open Data Contract Standard v3 that we use, as types.

A contract may contain other parts of the standard; they are kept when it is written again. The parts that
we read are checked strictly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from pipeline.base.errors import ContractError
from pipeline.contract.odcs_quality import Quality, Strict

LogicalType = Literal["string", "number", "integer", "object", "timestamp"]
NAME: Final = r"^[a-z][a-z0-9_]*$"


class _Odcs(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="allow", alias_generator=to_camel)


class TypeOptions(Strict):
    """Limits for a property's values. An option that nothing enforces is refused."""

    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None


class CustomProperty(_Odcs):
    """A name and a value outside the standard."""

    property: str
    value: Any


class Relationship(Strict):
    """A reference to a field of a reference table: ``to`` is ``table.field``."""

    type: Literal["foreignKey"] = "foreignKey"
    to: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")


class Property(_Odcs):
    """One field. With ``recordPart: timestamp`` in ``custom_properties`` it is not part of the JSON."""

    name: str = Field(pattern=NAME)
    logical_type: LogicalType
    physical_type: str
    required: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    partitioned: bool = False
    description: str
    logical_type_options: TypeOptions = TypeOptions()
    relationships: tuple[Relationship, ...] = Field(default=(), strict=False)
    quality: tuple[Quality, ...] = Field(default=(), strict=False)
    custom_properties: tuple[CustomProperty, ...] = Field(default=(), strict=False)

    @property
    def record_part(self) -> str:
        """The part of the Kafka record that holds the field: ``value`` or ``timestamp``."""
        parts = {custom.property: str(custom.value) for custom in self.custom_properties}
        return parts.get("recordPart", "value")


class SchemaObject(_Odcs):
    """One table or topic."""

    name: str
    physical_name: str
    properties: tuple[Property, ...] = Field(min_length=1, strict=False)
    quality: tuple[Quality, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _names_are_unique(self) -> SchemaObject:
        names = [p.name for p in self.properties]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{self.name}: every field has a name of its own, found twice: {twice}")
        return self


class ServiceLevel(_Odcs):
    """One agreement, such as ``latency`` of 5 ``m``."""

    property: str
    value: float = Field(strict=False)
    unit: str
    element: str
    description: str


class Team(_Odcs):
    """The team that owns the data."""

    name: str


class DataContract(_Odcs):
    """A data contract."""

    api_version: Literal["v3.1.0"]
    kind: Literal["DataContract"]
    id: str
    name: str = Field(pattern=NAME)
    version: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")
    status: str
    team: Team
    # The field's own name would shadow a method of pydantic's.
    objects: tuple[SchemaObject, ...] = Field(alias="schema", min_length=1, max_length=1, strict=False)
    service_levels: tuple[ServiceLevel, ...] = Field(default=(), alias="slaProperties", strict=False)

    @property
    def properties(self) -> tuple[Property, ...]:
        """The fields of the one table, in the contract's order."""
        return self.objects[0].properties

    @property
    def identity(self) -> tuple[str, ...]:
        """The fields that together identify an event, or a row."""
        keys = sorted((p for p in self.properties if p.primary_key), key=lambda p: p.primary_key_position)
        return tuple(p.name for p in keys)


def load(path: Path) -> DataContract:
    """Read a contract. Raises ContractError, which says what is wrong with it."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path.name}: {error}") from error
    return loads(text, path.name)


def loads(text: str | bytes, source: str) -> DataContract:
    """Read a contract from text. Raises ContractError, which names ``source`` and what is wrong."""
    try:
        return DataContract.model_validate(yaml.load(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise ContractError(f"{source}: {error}") from error


def dumps(contract: DataContract) -> str:
    """Return the contract as YAML that ``loads`` reads back, including the parts that we do not use."""
    raw = contract.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=110)
