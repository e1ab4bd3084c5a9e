"""Slots: blocks of 127.0.0.0/8, so that each instance has its own loopback addresses.

A slot is held by binding a name in the kernel's abstract socket namespace. The name is visible to all users
and state folders on the machine, leaves no file, and is released by the kernel when its last holder dies.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Self

from harness.base.errors import PlatformError
from harness.scenario.topology import NodeSpec, Topology

SLOTS: Final = range(64)
_FIRST_BLOCK: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A block of addresses, ``127.<64 + number>.0.0/16``, held while ``lock`` is open."""

    number: int
    lock: socket.socket
    addresses: Mapping[str, str]
    """By node."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Release it. It stays taken while another process still holds the lock."""
        self.lock.close()


def take_slot(
    topology: Topology, ports: Mapping[str, Iterable[int]], *, slots: Iterable[int] = SLOTS
) -> Slot:
    """Take the first free slot on whose addresses the nodes' ``ports`` are free too.

    Raises ``PlatformError`` if there is none.
    """
    obstacles = []
    for number in slots:
        lock = _lock(number)
        if lock is None:
            obstacles.append(f"slot {number} is held by another instance")
            continue
        addresses = slot_addresses(topology, number)
        taken = _first_taken(addresses, ports)
        if taken is None:
            return Slot(number=number, lock=lock, addresses=addresses)
        lock.close()
        obstacles.append(taken)
    raise PlatformError(f"no loopback addresses are free: {'; '.join(obstacles[:3])}; …")


def slot_addresses(topology: Topology, number: int) -> dict[str, str]:
    """``127.<64 + slot>.<role>.<node>`` for each node, both from 1. Each region numbers its own roles."""
    roles = [
        (region, service, role)
        for region in topology.zones_by_region()
        for service, by_role in topology.services.items()
        for role in by_role
    ]

    def address(node: NodeSpec) -> str:
        role = roles.index((node.region, node.service, node.role))
        return f"127.{_FIRST_BLOCK + number}.{1 + role}.{1 + node.index}"

    return {node.name: address(node) for node in topology.nodes()}


def _lock(number: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0floodmark-slot-{number}")
    except OSError:
        lock.close()
        return None
    return lock


def _first_taken(addresses: Mapping[str, str], ports: Mapping[str, Iterable[int]]) -> str | None:
    for node, wanted in ports.items():
        for port in wanted:
            with closing(socket.socket()) as probe:
                # Like servers, ignore an earlier instance's connections in TIME_WAIT.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((addresses[node], port))
                except OSError as error:
                    return f"{addresses[node]}:{port}: {error.strerror}"
    return None
