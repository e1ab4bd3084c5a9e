"""The contract of events as a catalogue has it. The lake asks at each task."""

from __future__ import annotations

from pipeline.catalogue.protocol import Catalogue
from pipeline.contract.derive import as_event_contract, event_contract
from pipeline.contract.odcs import DataContract
from pipeline.contract.topics import EVENTS


def current_event_contract(catalogue: Catalogue) -> DataContract:
    """The newest version; the shipped one, which is registered then, when there is none."""
    _ensure(catalogue)
    return as_event_contract(catalogue.current(EVENTS))


def first_event_contract(catalogue: Catalogue) -> DataContract:
    """The oldest version: what every file of a partner has the fields of."""
    return as_event_contract(catalogue.version(EVENTS, _ensure(catalogue)[0]))


def _ensure(catalogue: Catalogue) -> tuple[str, ...]:
    versions = catalogue.versions(EVENTS)
    if versions:
        return versions
    catalogue.register(event_contract())
    return catalogue.versions(EVENTS)
