"""What each process of an instance is, does and uses right now."""

from __future__ import annotations

from collections.abc import Iterable

import psutil

from harness.backends.process.ending import ENDED_IN_ORDER
from harness.backends.process.instance import Instance
from harness.backends.process.supervisor_client import ProcessRow
from harness.backends.protocol import NodeState, NodeStatus
from harness.topology import NodeSpec


def statuses(instance: Instance, rows: Iterable[ProcessRow]) -> tuple[NodeStatus, ...]:
    """Every node, in the order of the topology, then the spawned processes."""
    by_name = {row.name: row for row in rows}
    nodes = [_node(instance, spec, by_name.pop(spec.name, None)) for spec in instance.topology.nodes()]
    return (*nodes, *(_spawned(row) for row in by_name.values()))


def _node(instance: Instance, spec: NodeSpec, row: ProcessRow | None) -> NodeStatus:
    place, times = instance.places[spec.name], instance.times.get(spec.name)
    memory_bytes, cpu_s = _usage(row)
    return NodeStatus(
        name=spec.name,
        service=spec.service,
        role=spec.role,
        zone=spec.zone,
        endpoint=f"{place.address}:{place.port}",
        state=_state(row, alive="ready" if times else "starting"),
        pid=_pid(row),
        memory_bytes=memory_bytes,
        cpu_s=cpu_s,
        ready_after_s=times.ready_after_s if times else None,
    )


def _spawned(row: ProcessRow) -> NodeStatus:
    memory_bytes, cpu_s = _usage(row)
    return NodeStatus(
        name=row.name,
        service="",
        role="",
        zone="",
        endpoint="",
        state=_state(row, alive="running"),
        pid=_pid(row),
        memory_bytes=memory_bytes,
        cpu_s=cpu_s,
        ready_after_s=None,
    )


def _pid(row: ProcessRow | None) -> int | None:
    return row.pid if row is not None and row.exit is None else None


def _state(row: ProcessRow | None, *, alive: NodeState) -> NodeState:
    if row is None:
        return "starting"
    if row.exit is not None:
        return "stopped" if row.exit in ENDED_IN_ORDER else "dead"
    return "paused" if row.paused else alive


def _usage(row: ProcessRow | None) -> tuple[int, float]:
    """Memory in bytes and processor time in seconds, of the process and its children.

    Memory is the proportional set size: pages that several nodes share, such as an archive of classes, are
    counted once over all of them.
    """
    if row is None or row.exit is not None:
        return 0, 0.0
    memory_bytes, cpu_s = 0, 0.0
    try:
        leader = psutil.Process(row.pid)
        for process in (leader, *leader.children(recursive=True)):
            memory_bytes += process.memory_full_info().pss
            times = process.cpu_times()
            cpu_s += times.user + times.system
    except psutil.NoSuchProcess:
        pass  # it ended while we looked; what was counted until then is what is known
    return memory_bytes, cpu_s
