"""No import runs upward or in a circle; tests/import_graph.py has the floors."""

from __future__ import annotations

from collections.abc import Set

import pytest

from tests.import_graph import lines, product_imports, rooms_of

SOUND: dict[str, Set[str]] = {
    "harness.base.errors": set(),
    "harness.base": set(),
    "harness.load.share": {"harness.base.errors"},
    "harness.load.plan.build": {"harness.load.share"},
    "harness.faults.kill": {"harness.base.errors"},
    "harness.faults.registry": {"harness.faults.kill"},
    "harness.run.run": {"harness.faults.registry", "harness.load.plan.build"},
}


def test_the_product_has_no_arrow_that_runs_upward() -> None:
    rooms = rooms_of(product_imports())
    assert len(rooms.arrows) > 100
    assert {arrow: rooms.arrows[arrow] for arrow in rooms.upward()} == {}


def test_no_rooms_of_the_product_import_each_other() -> None:
    assert rooms_of(product_imports()).circles() == []


def test_a_sound_graph_is_counted() -> None:
    assert list(lines(rooms_of(SOUND)))[-1] == "6 rooms, 6 arrows, 0 upward, 0 circles"


def test_an_import_of_a_higher_floor_is_upward() -> None:
    rooms = rooms_of({**SOUND, "harness.base.errors": {"harness.load.plan.build"}})
    assert rooms.upward() == [("harness.base", "harness.load.plan")]
    assert rooms.circles() == [["harness.base", "harness.load", "harness.load.plan"]]


def test_rooms_of_one_floor_may_not_import_each_other() -> None:
    events, computed = "harness.load.send.events.lane", "harness.load.send.computed.supply"
    rooms = rooms_of({events: {computed}, computed: {events}})
    assert rooms.upward() == []
    assert rooms.circles() == [["harness.load.send.computed", "harness.load.send.events"]]


def test_a_room_that_imports_its_own_registry_is_a_circle() -> None:
    rooms = rooms_of({**SOUND, "harness.faults.kill": {"harness.faults.registry"}})
    assert rooms.circles() == [["harness.faults", "harness.faults.registry"]]


def test_a_room_without_a_floor_is_an_error() -> None:
    with pytest.raises(ValueError, match="elsewhere stands on no floor"):
        rooms_of({"elsewhere.a": {"harness.base.errors"}}).upward()
