"""What each process of an instance is, does and uses right now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.backends.process.ending import ENDED_IN_ORDER
from harness.backends.process.instance import Instance
from harness.backends.process.supervisor_client import ProcessRow
from harness.backends.process.usage import Usage, UsageMeter
from harness.backends.protocol import NodeState, NodeStatus
from harness.scenario.topology import NodeSpec

_NO_USAGE = Usage()


def statuses(instance: Instance, rows: Iterable[ProcessRow], meter: UsageMeter) -> tuple[NodeStatus, ...]:
    """Every node, in the order of the topology, then the spawned processes."""
    by_name = {row.name: row for row in rows}
    usages = meter.measure([row.pid for row in by_name.values() if row.exit is None])
    nodes = [
        _node(instance, spec, by_name.pop(spec.name, None), usages) for spec in instance.topology.nodes()
    ]
    return (*nodes, *(_spawned(row, usages) for row in by_name.values()))


def _node(
    instance: Instance, spec: NodeSpec, row: ProcessRow | None, usages: Mapping[int, Usage]
) -> NodeStatus:
    place, times = instance.places[spec.name], instance.times.get(spec.name)
    usage = _usage(row, usages)
    return NodeStatus(
        name=spec.name,
        service=spec.service,
        role=spec.role,
        zone=spec.zone,
        endpoint=f"{place.address}:{place.port}",
        state=_state(row, alive="ready" if times else "starting"),
        pid=_pid(row),
        memory_bytes=usage.memory_bytes,
        cpu_s=usage.cpu_s,
        ready_after_s=times.ready_after_s if times else None,
        ends=row.ends if row else (),
    )


def _spawned(row: ProcessRow, usages: Mapping[int, Usage]) -> NodeStatus:
    usage = _usage(row, usages)
    return NodeStatus(
        name=row.name,
        service="",
        role="",
        zone="",
        endpoint="",
        state=_state(row, alive="running"),
        pid=_pid(row),
        memory_bytes=usage.memory_bytes,
        cpu_s=usage.cpu_s,
        ready_after_s=None,
        ends=row.ends,
    )


def _pid(row: ProcessRow | None) -> int | None:
    return row.pid if row is not None and row.exit is None else None


def _usage(row: ProcessRow | None, usages: Mapping[int, Usage]) -> Usage:
    return _NO_USAGE if row is None or row.exit is not None else usages.get(row.pid, _NO_USAGE)


def _state(row: ProcessRow | None, *, alive: NodeState) -> NodeState:
    if row is None:
        return "starting"
    if row.exit is not None:
        return "stopped" if row.exit in ENDED_IN_ORDER else "dead"
    return "paused" if row.paused else alive
