"""The status of each node of a platform, from the instance's record and the node's process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.backends.instance import Instance, NodeTimes
from harness.processes.protocol import ProcessStatus, State
from harness.scenario.topology import NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus(ProcessStatus):
    """One node's row of ``floodmark status``."""

    service: str
    role: str
    zone: str
    endpoint: str
    """``host:port``."""
    listening_after_s: float | None = None
    """Time from its start until its port accepted a connection."""
    ready_after_s: float | None
    """Time from its start until a real operation worked."""


def node_statuses(instance: Instance, seen: Iterable[ProcessStatus]) -> tuple[NodeStatus, ...]:
    """All nodes, in topology order; ``seen`` has the started ones."""
    by_name = {one.name: one for one in seen}
    return tuple(_status(instance, spec, by_name.get(spec.name)) for spec in instance.topology.nodes())


def _status(instance: Instance, spec: NodeSpec, seen: ProcessStatus | None) -> NodeStatus:
    place, times = instance.places[spec.name], instance.times.get(spec.name)
    return NodeStatus(
        name=spec.name,
        service=spec.service,
        role=spec.role,
        zone=spec.zone,
        endpoint=f"{place.address}:{place.port}",
        state=_state(seen, times),
        pid=seen.pid if seen else None,
        memory_bytes=seen.memory_bytes if seen else 0,
        cpu_s=seen.cpu_s if seen else 0.0,
        listening_after_s=times.listening_after_s if times else None,
        ready_after_s=times.ready_after_s if times else None,
        ends=seen.ends if seen else (),
    )


def _state(seen: ProcessStatus | None, times: NodeTimes | None) -> State:
    """A running node is ready once a real operation has worked and its times are recorded."""
    if seen is None or (seen.state == "running" and times is None):
        return "starting"
    return "ready" if seen.state == "running" else seen.state
