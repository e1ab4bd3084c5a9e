"""What we use of the Open Data Contract Standard v3, as types.

Parts of the standard that we do not read may stand in a contract, and are kept when it is written again;
parts that we do read are checked strictly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from pipeline.contract.odcs_quality import Quality, Strict
from pipeline.errors import ContractError

LogicalType = Literal["string", "number", "integer", "object", "timestamp"]
NAME: Final = r"^[a-z][a-z0-9_]*$"


class _Odcs(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="allow", alias_generator=to_camel)


class TypeOptions(Strict):
    """Limits of a property's values. An option that nothing enforces is refused."""

    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None


class CustomProperty(_Odcs):
    """A name and a value that the standard does not know."""

    property: str
    value: Any


class Relationship(Strict):
    """What a field refers to: ``to`` is a field of a reference table, as ``table.field``."""

    type: Literal["foreignKey"] = "foreignKey"
    to: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")


class Property(_Odcs):
    """One field. ``custom_properties`` may hold ``recordPart: timestamp``: then it is not in the JSON."""

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
        """Where in the Kafka record the field is: ``value`` or ``timestamp``."""
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
    """Who owns the data."""

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
        """The fields that together name an event, or a row."""
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
        text = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path.name}: {error}") from error
    return loads(text, path.name)


def loads(text: str | bytes, source: str) -> DataContract:
    """Read a contract's text. Raises ContractError that names ``source`` and says what is wrong with it."""
    try:
        return DataContract.model_validate(yaml.load(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise ContractError(f"{source}: {error}") from error


def dumps(contract: DataContract) -> str:
    """The contract as YAML: what ``loads`` reads as the same contract, with the parts that we do not read."""
    raw = contract.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=110)
