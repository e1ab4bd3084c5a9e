"""``make graph``: the rooms of the product, the arrows between them, and those that run the wrong way.

A room is a folder; the registry of a room is a room of its own, since it knows all that it registers. An
arrow runs from a room to another when any module of the one imports any module of the other, wherever in it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import grimp

PACKAGES: Final = ("harness", "pipeline", "reports")
FLOORS: Final = (
    "pipeline",
    "harness.base",
    "harness.clients",
    "harness.artifacts",
    "harness.scenario",
    "harness.history",
    "harness.processes",
    "harness.services",
    "harness.backends",
    "harness.faults",
    "harness.load",
    "harness.load.traces",
    "harness.load.plan",
    "harness.load.send",
    "harness.load.workers",
    "harness.load.join",
    "harness.load.readers",
    "harness.load.locust",
    "harness.oracle",
    "harness.observe",
    "harness.judge.measure",
    "harness.judge.checks",
    "harness.layers",
    "harness.judge",
    "harness.validate",
    "harness.run",
    "harness.run.lake",
    "harness.run.real",
    "harness.doctor",
    "reports",
    "harness.cli",
)
"""From the ground up: a room imports what stands on its own floor or below. One that is not named here stands
on the floor of the folder that it is in."""

Arrow = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Rooms by name, and the arrows between them with the imports that each stands for."""

    names: Set[str]
    arrows: Mapping[Arrow, Sequence[str]]

    def upward(self) -> list[Arrow]:
        """The arrows to a higher floor."""
        return [arrow for arrow in self.arrows if _floor(arrow[0]) < _floor(arrow[1])]

    def circles(self) -> list[list[str]]:
        """Rooms that reach each other, each group once."""
        groups = {
            tuple(sorted(n for n in self._reached(name) if name in self._reached(n))) for name in self.names
        }
        return [list(group) for group in sorted(groups) if group]

    def _reached(self, start: str) -> set[str]:
        reached: set[str] = set()
        ahead = [start]
        while ahead:
            room = ahead.pop()
            found = {to for of, to in self.arrows if of == room} - reached
            reached |= found
            ahead += found
        return reached


def rooms_of(imports: Mapping[str, Set[str]]) -> Rooms:
    """The rooms of modules, each with those that it imports."""
    packages = {module.rpartition(".")[0] for module in imports}
    arrows: dict[Arrow, list[str]] = {}
    for importer, imported in _pairs(imports):
        arrow = _room(importer, packages), _room(imported, packages)
        if arrow[0] != arrow[1]:
            arrows.setdefault(arrow, []).append(f"{importer} imports {imported}")
    return Rooms(
        names={_room(module, packages) for module in imports if module not in packages}, arrows=arrows
    )


def product_imports() -> dict[str, Set[str]]:
    """Every module of the product, with those of the product that it imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def _pairs(imports: Mapping[str, Set[str]]) -> Iterator[tuple[str, str]]:
    for importer in sorted(imports):
        yield from ((importer, imported) for imported in sorted(imports[importer]))


def _room(module: str, packages: Set[str]) -> str:
    return module if module in packages or module.endswith(".registry") else module.rpartition(".")[0]


def _floor(room: str) -> int:
    named = [floor for floor in FLOORS if f"{room}.".startswith(f"{floor}.")]
    if not named:
        raise ValueError(f"{room} stands on no floor; FLOORS in tests/import_graph.py names them")
    return FLOORS.index(max(named, key=len))


def lines(rooms: Rooms) -> Iterator[str]:
    """The graph for people: every arrow with its number of imports, then what is wrong, then the counts."""
    for of, to in sorted(rooms.arrows, key=lambda arrow: (_floor(arrow[0]), arrow)):
        yield f"{of} -> {to} ({len(rooms.arrows[of, to])})"
    for of, to in (upward := rooms.upward()):
        yield f"upward: {of} -> {to}: {rooms.arrows[of, to][0]}"
    for circle in (circles := rooms.circles()):
        yield f"circle: {', '.join(circle)}"
    counts = len(rooms.names), len(rooms.arrows), len(upward), len(circles)
    yield "{} rooms, {} arrows, {} upward, {} circles".format(*counts)


def main() -> int:
    """Print the graph; 1 when an arrow runs upward or in a circle."""
    rooms = rooms_of(product_imports())
    sys.stdout.writelines(f"{line}\n" for line in lines(rooms))
    return 1 if rooms.upward() or rooms.circles() else 0


if __name__ == "__main__":
    sys.exit(main())
