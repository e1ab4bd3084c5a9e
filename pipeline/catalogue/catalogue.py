"""The interface of every contract catalogue, and the event contract in it."""

from __future__ import annotations

from typing import Protocol

from pipeline.contract.derive import as_event_contract, event_contract
from pipeline.contract.odcs import DataContract
from pipeline.contract.topics import EVENTS


class Catalogue(Protocol):
    """Contracts by name and version. A version never changes, and versions follow each other one by one."""

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a contract, oldest first; none if it is not registered."""
        ...

    def current(self, name: str) -> DataContract:
        """Return the newest version. Raises NoSuchContract."""
        ...

    def version(self, name: str, version: str) -> DataContract:
        """Return one version. Raises NoSuchContract."""
        ...

    def register(self, contract: DataContract) -> None:
        """Make the contract the current version; an already registered version is left alone.

        Raises IncompatibleContract when it may not follow the current version, which a concurrent writer
        may just have registered, and ContractError when something in it would not be enforced. Nothing
        is written in either case.
        """
        ...


def current_event_contract(catalogue: Catalogue) -> DataContract:
    """Return the newest version. If there is none, register and return the shipped one."""
    _ensure(catalogue)
    return as_event_contract(catalogue.current(EVENTS))


def first_event_contract(catalogue: Catalogue) -> DataContract:
    """Return the oldest version, whose fields every partner file must have."""
    return as_event_contract(catalogue.version(EVENTS, _ensure(catalogue)[0]))


def _ensure(catalogue: Catalogue) -> tuple[str, ...]:
    versions = catalogue.versions(EVENTS)
    if versions:
        return versions
    catalogue.register(event_contract())
    return catalogue.versions(EVENTS)
