"""A catalogue in the lake: one object per version, ``catalogue/<name>/<version>.odcs.yaml``.

A version has exactly one possible successor, and an object is only written where there is none. So of two
concurrent registrations one wins, whatever both read before, and no lock is needed. Only the first version
has no predecessor: it is the shipped one, the same object for everyone who deploys the same release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

from pipeline.base.errors import ContractError, NoSuchContract, NotReady
from pipeline.catalogue.admission import check, is_new
from pipeline.contract.compatibility import numbers
from pipeline.contract.odcs import DataContract, dumps, loads

FOLDER: Final = "catalogue"
_FILE: Final = re.compile(r"(\d+\.\d+\.\d+)\.odcs\.yaml")


class Objects(Protocol):
    """The operations that the catalogue needs of an object store."""

    def get(self, key: str, /) -> bytes:
        """Return an object's bytes."""
        ...

    def put_if_absent(self, key: str, body: bytes, /) -> bool:
        """Write an object unless the key exists; return whether it was written."""
        ...

    def list(self, prefix: str, /) -> Iterable[str]:
        """Return the keys with this prefix."""
        ...


class LakeCatalogue:
    """Contracts as objects."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a contract, oldest first."""
        prefix = f"{FOLDER}/{name}/"
        files = (_FILE.fullmatch(key.removeprefix(prefix)) for key in self._objects.list(prefix))
        return tuple(sorted((file[1] for file in files if file), key=numbers))

    def current(self, name: str) -> DataContract:
        """Return the newest version. Raises NoSuchContract."""
        versions = self.versions(name)
        if not versions:
            raise NoSuchContract(name, "", versions)
        return self._read(name, versions[-1])

    def version(self, name: str, version: str) -> DataContract:
        """Return one version. Raises NoSuchContract."""
        versions = self.versions(name)
        if version not in versions:
            raise NoSuchContract(name, version, versions)
        return self._read(name, version)

    def register(self, contract: DataContract) -> None:
        """Register a version. Raises IncompatibleContract, ContractError."""
        check(contract)
        key = _key(contract.name, contract.version)
        if not self._is_new(contract) or self._objects.put_if_absent(key, dumps(contract).encode()):
            return
        # Another writer came first: the same contract is fine, a different one raises.
        if self._is_new(contract):
            raise NotReady(f"{key} was taken by another writer, and is not listed yet: register again")

    def _is_new(self, contract: DataContract) -> bool:
        versions = self.versions(contract.name)
        current = self._read(contract.name, versions[-1]) if versions else None
        same = self._read(contract.name, contract.version) if contract.version in versions else None
        return is_new(contract, current, same)

    def _read(self, name: str, version: str) -> DataContract:
        key = _key(name, version)
        contract = loads(self._objects.get(key), key)
        if (contract.name, contract.version) != (name, version):
            raise ContractError(f"{key}: found {contract.name} {contract.version}; allowed: {name} {version}")
        return contract


def _key(name: str, version: str) -> str:
    return f"{FOLDER}/{name}/{version}.odcs.yaml"
