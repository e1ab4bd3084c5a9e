"""Rules for a scenario's faults beyond their types: targets, times, and a capable backend."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Set
from itertools import combinations
from typing import Final

from harness.backends.protocol import Capability
from harness.base.documents import FieldPath, shown
from harness.base.errors import Problem
from harness.base.typed import suggestion
from harness.scenario.faults import FaultFields, TargetKind, node_names, targets_of
from harness.scenario.model import STEADY_MIN_S
from harness.scenario.topology import Topology
from harness.validate.draft import Draft
from harness.validate.vocabulary import Vocabulary

_ANYTHING: Final[Set[TargetKind]] = frozenset({"nodes", "processes", "zones", "pairs"})
"""Targets of a fault of unknown kind: the kind is refused, and the targets need only exist."""


def fault_rules(draft: Draft, words: Vocabulary, named: Collection[str] | None) -> Iterator[Problem]:
    """Yield every violation in the section. ``named``: the nodes and processes, if known."""
    for n, fault in draft.faults.items():
        yield from _kind(draft, words, n, fault)
        yield from _kinds_of_targets(draft, words, n, fault)
        if named is not None and draft.topology is not None:
            yield from _names(draft, words, n, fault, named=named, topology=draft.topology)
            yield from _targets(draft, n, fault, draft.topology)
    yield from _times(draft)
    if draft.topology is not None:
        yield from _overlaps(draft, draft.topology)


def _kind(draft: Draft, words: Vocabulary, n: int, fault: FaultFields) -> Iterator[Problem]:
    kind = words.faults.get(fault.kind)
    if kind is None:
        yield draft.problem(("faults", n, "kind"), fault.kind, suggestion(fault.kind, words.faults))
        return
    lacking = kind.requires - words.capabilities[words.backend]
    if lacking:
        found = f"{fault.kind}, which needs {_listed(lacking)}"
        yield draft.problem(("faults", n, "kind"), found, _where_allowed(words, kind.requires))


def _where_allowed(words: Vocabulary, required: Set[Capability]) -> str:
    here = words.capabilities[words.backend]
    possible = [name for name, kind in words.faults.items() if kind.requires <= here]
    able = [name for name, capabilities in words.capabilities.items() if required <= capabilities]
    elsewhere = f"--backend {' or '.join(able)}" if able else "no backend has that yet"
    return f"{_listed(possible)} on the backend {words.backend}; {elsewhere}"


def _taken(words: Vocabulary, fault: FaultFields) -> Set[TargetKind]:
    kind = words.faults.get(fault.kind)
    return _ANYTHING if kind is None else kind.takes


def _kinds_of_targets(draft: Draft, words: Vocabulary, n: int, fault: FaultFields) -> Iterator[Problem]:
    """Targets must be of the types that the fault's kind takes."""
    taken = _taken(words, fault)
    unfit = {
        "targets": fault.targets and not taken & {"nodes", "processes"},
        "zones": fault.zones and "zones" not in taken,
        "between": fault.between and "pairs" not in taken,
    }
    for field, is_unfit in unfit.items():
        if is_unfit:
            yield draft.problem(("faults", n, field), field, f"none: {fault.kind} takes {_listed(taken)}")
    if fault.services and not (fault.zones or fault.between):
        allowed = "none without zones, which they narrow down"
        yield draft.problem(("faults", n, "services"), _listed(fault.services), allowed)


def _names(
    draft: Draft,
    words: Vocabulary,
    n: int,
    fault: FaultFields,
    *,
    named: Collection[str],
    topology: Topology,
) -> Iterator[Problem]:
    """Each name must exist and appear once."""
    nodes = [node.name for node in topology.nodes()]
    taken = _taken(words, fault)
    targets = [name for name in named if ("nodes" if name in nodes else "processes") in taken]
    yield from _known_once(draft, ("faults", n, "targets"), fault.targets, targets if targets else named)
    yield from _known_once(draft, ("faults", n, "zones"), fault.zones, topology.zones)
    yield from _known_once(draft, ("faults", n, "services"), fault.services, topology.services)
    for m, pair in enumerate(fault.between):
        place = ("faults", n, "between", m)
        yield from _known_once(draft, place, pair, [*nodes, *topology.zones])
        if {*pair} in [{*before} for before in fault.between[:m]]:
            yield draft.problem(place, f"{' and '.join(pair)} again", "each pair once")


def _known_once(
    draft: Draft, place: FieldPath, names: Sequence[str], known: Collection[str]
) -> Iterator[Problem]:
    thing = str(place[2]).removesuffix("s") if place[2] != "between" else "end"
    for m, name in enumerate(names):
        if name not in known:
            yield draft.problem((*place, m), name, suggestion(name, known))
        elif name in names[:m]:
            yield draft.problem((*place, m), f"{name} again", f"each {thing} once")


def _targets(draft: Draft, n: int, fault: FaultFields, topology: Topology) -> Iterator[Problem]:
    """Each fault must break something, or the platform would seem to have withstood it."""
    if not (fault.targets or fault.zones or fault.between):
        written = draft.document.get("faults", n, "targets")
        found = "missing" if written is None else shown(written)
        yield draft.problem(
            ("faults", n, "targets"), found, "at least one target: a node, a process or a zone"
        )
        return
    for m, zone in enumerate(fault.zones):
        if zone in topology.zones and not targets_of(
            fault.model_copy(update=_alone(zones=(zone,))), topology
        ):
            found = f"{zone}, which has no node{_of_services(fault)}"
            yield draft.problem(("faults", n, "zones", m), found, "a zone with something to break")
    for m, pair in enumerate(fault.between):
        if not targets_of(fault.model_copy(update=_alone(between=(pair,))), topology):
            found = f"{' and '.join(pair)}, with nothing between them{_of_services(fault)}"
            yield draft.problem(("faults", n, "between", m), found, "two ends with different nodes")


def _alone(**fields: object) -> dict[str, object]:
    return {"targets": (), "zones": (), "between": (), **fields}


def _of_services(fault: FaultFields) -> str:
    return f" of {' or '.join(fault.services)}" if fault.services else ""


def _times(draft: Draft) -> Iterator[Problem]:
    """Faults must start after the steady state and heal by the end of the load."""
    if draft.load is None or draft.head is None:
        return
    steady_s, duration_s = draft.head.warm_up + STEADY_MIN_S, draft.load.duration
    for n, fault in draft.faults.items():
        if not steady_s <= fault.at < duration_s:
            allowed = (
                f"{steady_s:g} s or later ({STEADY_MIN_S:g} s after the warm-up)"
                f" and before the load's end ({duration_s:g} s)"
            )
            yield draft.problem(("faults", n, "at"), f"{fault.at:g} s", allowed)
        elif fault.at + fault.heal_after > duration_s:
            found = f"{fault.heal_after:g} s, so that it heals at {fault.at + fault.heal_after:g} s"
            allowed = f"a heal by the load's end ({duration_s:g} s)"
            yield draft.problem(("faults", n, "heal_after"), found, allowed)


def _overlaps(draft: Draft, topology: Topology) -> Iterator[Problem]:
    """A fault must not heal what another still keeps broken."""
    broken = {n: node_names(targets_of(fault, topology)) for n, fault in draft.faults.items()}
    for (n, first), (m, second) in combinations(draft.faults.items(), 2):
        shared = sorted(set(broken[n]) & set(broken[m]))
        if shared and _during(first, second):
            field = "targets" if set(shared) & set(second.targets) else "zones" if second.zones else "between"
            found = f"{', '.join(shared)}, while faults[{n}] holds it"
            yield draft.problem(("faults", m, field), found, "one fault at a time for each target")


def _during(first: FaultFields, second: FaultFields) -> bool:
    return first.at < second.at + second.heal_after and second.at < first.at + first.heal_after


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
