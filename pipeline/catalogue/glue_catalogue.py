"""A catalogue in AWS Glue's Data Catalog: each contract is a table, and each version a version of that table.

Not verified on AWS: tested only against the service's model (botocore's Stubber). The table's columns are
the contract's, so Athena and others see them; the contract itself is a parameter of the table. Glue resolves
concurrent registrations: it creates a table once, and updates it only from the version that was read. The
database must belong to the catalogue alone, because an update drops everything about a table but the
contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pipeline.base.errors import ContractError, NoSuchContract, NotReady
from pipeline.catalogue.admission import check, is_new
from pipeline.contract.compatibility import numbers
from pipeline.contract.derive import spark_columns
from pipeline.contract.odcs import DataContract, dumps, loads

_CONTRACT: Final = "floodmark.contract"
"""The parameter that holds the contract; Glue allows 512,000 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered:
    contracts: dict[str, DataContract]
    """By version, oldest first."""
    table_version: str
    """Glue's own number of the newest version of the table."""

    @property
    def current(self) -> DataContract | None:
        return next(reversed(self.contracts.values()), None)


class GlueCatalogue:
    """Contracts as versions of tables. ``client`` is boto3's for ``glue``."""

    def __init__(self, client: Any, database: str) -> None:
        self._client, self._database = client, database

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a contract, oldest first."""
        return tuple(self._registered(name).contracts)

    def current(self, name: str) -> DataContract:
        """Return the newest version. Raises NoSuchContract."""
        contract = self._registered(name).current
        if contract is None:
            raise NoSuchContract(name, "", ())
        return contract

    def version(self, name: str, version: str) -> DataContract:
        """Return one version. Raises NoSuchContract."""
        contracts = self._registered(name).contracts
        if version not in contracts:
            raise NoSuchContract(name, version, tuple(contracts))
        return contracts[version]

    def register(self, contract: DataContract) -> None:
        """Register a version. Raises IncompatibleContract, ContractError; NotReady on a concurrent change."""
        check(contract)
        registered = self._registered(contract.name)
        if registered.table_version and not registered.contracts:
            table = f"{self._database}.{contract.name}"
            raise ContractError(
                f"Glue's table {table} holds no contract, so it is not the catalogue's to write"
            )
        if not _is_new(contract, registered):
            return
        exceptions = self._client.exceptions
        try:
            self._write(contract, registered.table_version)
        except (exceptions.AlreadyExistsException, exceptions.ConcurrentModificationException) as error:
            if _is_new(contract, self._registered(contract.name)):
                table = f"{self._database}.{contract.name}"
                raise NotReady(
                    f"Glue's table {table} was changed at the same time: register again"
                ) from error

    def _write(self, contract: DataContract, table_version: str) -> None:
        columns = [
            {"Name": name, "Type": kind.lower().replace(" ", "")} for name, kind in spark_columns(contract)
        ]
        table = {
            "Name": contract.name,
            "StorageDescriptor": {"Columns": columns},
            "Parameters": {_CONTRACT: dumps(contract)},
        }
        if table_version:
            self._client.update_table(
                DatabaseName=self._database, TableInput=table, VersionId=table_version, SkipArchive=False
            )
        else:
            self._client.create_table(DatabaseName=self._database, TableInput=table)

    def _registered(self, name: str) -> _Registered:
        pages = self._client.get_paginator("get_table_versions")
        try:
            found = [
                entry
                for page in pages.paginate(DatabaseName=self._database, TableName=name)
                for entry in page["TableVersions"]
            ]
        except self._client.exceptions.EntityNotFoundException:
            found = []
        texts = (entry["Table"].get("Parameters", {}).get(_CONTRACT) for entry in found)
        contracts = [loads(text, f"Glue's table {self._database}.{name}") for text in texts if text]
        return _Registered(
            contracts={c.version: c for c in sorted(contracts, key=lambda c: numbers(c.version))},
            table_version=max((entry["VersionId"] for entry in found), key=int, default=""),
        )


def _is_new(contract: DataContract, registered: _Registered) -> bool:
    return is_new(contract, registered.current, registered.contracts.get(contract.version))
