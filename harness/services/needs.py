"""Services that need each other: what is missing from a topology, and an order to start them in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Collection[str]]
"""The other services that each service needs, by name."""


def missing_needs(present: Collection[str], needs: Needs) -> Iterator[tuple[str, str]]:
    """Each present service with each absent one that it needs."""
    for name in present:
        yield from ((name, needed) for needed in needs.get(name, ()) if needed not in present)


def start_order(needs: Needs) -> tuple[str, ...]:
    """All services, each after those that it needs.

    Raises ValueError if some need each other in a circle, so that none could start, or if what they need is
    not a service.
    """
    if unknown := sorted({needed for services in needs.values() for needed in services} - needs.keys()):
        raise ValueError(f"{', '.join(unknown)}: needed, but no service")
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(f"these services need each other: {' -> '.join(error.args[1])}") from error
