"""A contract catalogue in memory."""

from __future__ import annotations

from pipeline.base.errors import NoSuchContract
from pipeline.catalogue.admission import check, is_new
from pipeline.contract.odcs import DataContract


class MemoryCatalogue:
    """Contracts in a dictionary."""

    def __init__(self) -> None:
        self._contracts: dict[str, dict[str, DataContract]] = {}

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a contract, oldest first."""
        return tuple(self._contracts.get(name, {}))

    def current(self, name: str) -> DataContract:
        """Return the newest version. Raises NoSuchContract."""
        return self.version(name, next(reversed(self.versions(name)), ""))

    def version(self, name: str, version: str) -> DataContract:
        """Return one version. Raises NoSuchContract."""
        try:
            return self._contracts[name][version]
        except KeyError:
            raise NoSuchContract(name, version, self.versions(name)) from None

    def register(self, contract: DataContract) -> None:
        """Register a version. Raises IncompatibleContract, ContractError."""
        check(contract)
        registered = self._contracts.get(contract.name, {})
        current = next(reversed(registered.values()), None)
        if is_new(contract, current, registered.get(contract.version)):
            self._contracts.setdefault(contract.name, {})[contract.version] = contract
