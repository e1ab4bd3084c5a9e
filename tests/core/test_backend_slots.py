"""Which loopback addresses an instance gets."""

from __future__ import annotations

import socket
import subprocess
from contextlib import closing

import pytest

from harness.backends.process.slots import SLOTS, Slot, slot_addresses, take_slot
from harness.base.errors import PlatformError
from tests.core.dummy_service import PORT, PYTHON, topology

TOPOLOGY = topology(broker=2, client=1)
PORTS = {node.name: (PORT,) for node in TOPOLOGY.nodes()}


def take() -> Slot:
    return take_slot(TOPOLOGY, PORTS)


def test_every_node_of_every_slot_has_an_address_of_its_own() -> None:
    addresses = [address for slot in SLOTS for address in slot_addresses(TOPOLOGY, slot).values()]
    assert len(set(addresses)) == len(SLOTS) * 3


def test_addresses_name_slot_role_and_node() -> None:
    assert slot_addresses(TOPOLOGY, 2) == {
        "kafka-broker-1": "127.66.1.1",
        "kafka-broker-2": "127.66.1.2",
        "kafka-client-1": "127.66.2.1",
    }


def test_a_slot_that_is_held_is_not_taken_again() -> None:
    with take() as first, take() as second:
        assert first.number != second.number


def test_a_slot_is_free_again_when_its_holder_was_killed() -> None:
    with take() as slot:
        number = slot.number
        holder = subprocess.Popen([*PYTHON, "import time; time.sleep(600)"], pass_fds=[slot.lock.fileno()])
    with take() as other:
        assert other.number != number
    holder.kill()
    holder.wait()
    with take() as again:
        assert again.number <= number


def test_a_slot_with_a_port_in_use_is_passed_over() -> None:
    with take() as slot:
        number, address = slot.number, slot.addresses["kafka-client-1"]
    with closing(socket.create_server((address, PORT))), take() as other:
        assert other.number != number


def test_no_free_slot_is_an_error_that_says_what_is_in_the_way() -> None:
    with take() as held, pytest.raises(PlatformError, match=f"slot {held.number} is held"):
        take_slot(TOPOLOGY, PORTS, slots=[held.number])
