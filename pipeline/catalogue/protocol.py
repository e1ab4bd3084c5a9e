"""What a catalogue of contracts does, wherever it keeps them."""

from __future__ import annotations

from typing import Protocol

from pipeline.contract.odcs import DataContract


class Catalogue(Protocol):
    """Contracts by name and version. Versions are never changed, and follow each other one by one."""

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a contract, oldest first; none when it is not registered."""
        ...

    def current(self, name: str) -> DataContract:
        """The newest version. Raises NoSuchContract."""
        ...

    def version(self, name: str, version: str) -> DataContract:
        """One version. Raises NoSuchContract."""
        ...

    def register(self, contract: DataContract) -> None:
        """Make it the current version; what is registered already is left alone.

        Raises IncompatibleContract when it may not follow the current version, also when another version
        came first at the same time; ContractError when something in it would not be enforced. Nothing is
        written then.
        """
        ...
