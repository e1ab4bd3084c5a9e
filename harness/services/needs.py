"""What services need of each other: what a topology lacks of it, and an order to start them in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Collection[str]]
"""Of each service by name: the other services that it needs."""


def missing_needs(present: Collection[str], needs: Needs) -> Iterator[tuple[str, str]]:
    """Every service that is present with each service that it needs and that is not."""
    for name in present:
        yield from ((name, needed) for needed in needs.get(name, ()) if needed not in present)


def start_order(needs: Needs) -> tuple[str, ...]:
    """Every service after those that it needs.

    Raises ValueError with a circle of needs, none of which could ever be started, or with what is needed and
    is no service.
    """
    if unknown := sorted({needed for services in needs.values() for needed in services} - needs.keys()):
        raise ValueError(f"{', '.join(unknown)}: needed, but no service")
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(f"these services need each other: {' -> '.join(error.args[1])}") from error
