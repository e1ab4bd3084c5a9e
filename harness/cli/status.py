"""``floodmark status``: what runs, where, how large it is, and where the time of its start went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from harness.backends.process.instance import Instance, instances
from harness.backends.process.status import statuses
from harness.backends.process.supervisor_client import SupervisorClient
from harness.backends.process.usage import UsageMeter
from harness.backends.protocol import NodeStatus
from harness.cli.output import OutputFormat, OutputOption, console, print_json, print_table

_MIB = 2**20


def status(output: OutputOption = OutputFormat.TEXT) -> None:
    """Show every node that runs: zone, endpoint, memory, and where the time of its start went.

    Example: floodmark status --output json
    """
    described = [_look(instance) for instance in instances()]
    if output is OutputFormat.JSON:
        print_json({"instances": described})
    elif described:
        show(described)
    else:
        console().print("Nothing runs. `floodmark up quickstart` starts a platform.")


def describe(instance: Instance, nodes: Iterable[NodeStatus], *, state: str = "up") -> dict[str, Any]:
    """One instance as JSON."""
    rows = [
        {
            **asdict(node),
            "listening_after_s": times.listening_after_s if times else None,
        }
        for node in nodes
        for times in [instance.times.get(node.name)]
    ]
    return {
        "instance": instance.id,
        "state": state,
        "owner_pid": instance.owner_pid,
        "logs": str(instance.logs),
        "data": str(instance.data),
        "memory_bytes": sum(row["memory_bytes"] for row in rows),
        "nodes": rows,
    }


def show(described: Iterable[dict[str, Any]]) -> None:
    """The instances as tables, for people."""
    for one in described:
        total = f"{one['memory_bytes'] / _MIB:,.0f} MiB"
        print_table(
            f"{one['instance']} ({one['state']}), {total}, logs in {one['logs']}",
            ("node", "zone", "endpoint", "state", "pid", "MiB", "CPU s", "listens after", "ready after"),
            (_cells(node) for node in one["nodes"]),
        )


def _look(instance: Instance) -> dict[str, Any]:
    supervisor = SupervisorClient.connect(instance)
    if supervisor is None:
        return describe(instance, (), state="dead; `floodmark down` cleans up what it left")
    state = "up" if supervisor.is_detached() else f"in use by process {instance.owner_pid}"
    try:
        return describe(instance, statuses(instance, supervisor.rows(), UsageMeter()), state=state)
    finally:
        supervisor.close()


def _cells(node: dict[str, Any]) -> tuple[str, ...]:
    return (
        node["name"],
        node["zone"],
        node["endpoint"],
        node["state"],
        str(node["pid"] or ""),
        f"{node['memory_bytes'] / _MIB:.0f}",
        f"{node['cpu_s']:.1f}",
        _seconds(node["listening_after_s"]),
        _seconds(node["ready_after_s"]),
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
