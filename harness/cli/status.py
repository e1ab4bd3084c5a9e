"""``floodmark status``: show running nodes, their memory, and how long they took to start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from harness.backends.attached import Attached, InstanceState
from harness.backends.instance import Instance
from harness.backends.registry import attach, running
from harness.cli.output import OutputFormat, OutputOption, console, print_json, print_table

_MIB = 2**20
_OF_NODES: Final[Mapping[str, object]] = MappingProxyType(
    {
        **dict.fromkeys(("service", "role", "zone", "endpoint"), ""),
        **dict.fromkeys(("listening_after_s", "ready_after_s")),
    }
)


def status(output: OutputOption = OutputFormat.TEXT) -> None:
    """Show every running node: zone, endpoint, memory, and how long it took to start.

    Example: floodmark status --output json
    """
    described = [_described(instance) for instance in running()]
    if output is OutputFormat.JSON:
        print_json({"instances": described})
    elif described:
        show(described)
    else:
        console().print("Nothing is running. `floodmark up quickstart` starts a platform.")


def describe(attached: Attached) -> dict[str, Any]:
    """One instance as JSON: its nodes, then its processes, with fields that only nodes have left empty."""
    instance = attached.instance
    rows = [{**_OF_NODES, **asdict(one)} for one in attached.status()]
    return {
        "instance": instance.id,
        "backend": instance.backend,
        "state": _in_words(attached.state, instance),
        "owner_pid": instance.owner_pid,
        "logs": str(instance.logs),
        "data": str(instance.data),
        "memory_bytes": sum(row["memory_bytes"] for row in rows),
        "nodes": rows,
    }


def show(described: Iterable[dict[str, Any]]) -> None:
    """Print the instances as tables."""
    for one in described:
        total = f"{one['memory_bytes'] / _MIB:,.0f} MiB"
        print_table(
            f"{one['instance']} ({one['state']}), {total}, logs in {one['logs']}",
            ("node", "zone", "endpoint", "state", "pid", "MiB", "CPU s", "listens after", "ready after"),
            (_cells(node) for node in one["nodes"]),
        )


def _described(instance: Instance) -> dict[str, Any]:
    with attach(instance) as attached:
        return describe(attached)


def _in_words(state: InstanceState, instance: Instance) -> str:
    match state:
        case "up":
            return "up"
        case "in use":
            return f"in use by process {instance.owner_pid}"
        case "dead":
            return "dead; `floodmark down` cleans up what it left"


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
