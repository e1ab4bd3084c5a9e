"""What each supervised process is, does and uses right now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from harness.processes.protocol import ProcessStatus, State
from harness.processes.stopping import ENDED_IN_ORDER
from harness.processes.supervisor_client import ProcessRow
from harness.processes.usage import Usage, UsageMeter

_NO_USAGE: Final = Usage()


def statuses(rows: Collection[ProcessRow], meter: UsageMeter) -> tuple[ProcessStatus, ...]:
    """One for each row, in their order."""
    usages = meter.measure([row.pid for row in rows if row.exit is None])
    return tuple(_status(row, usages) for row in rows)


def _status(row: ProcessRow, usages: Mapping[int, Usage]) -> ProcessStatus:
    usage = _NO_USAGE if row.exit is not None else usages.get(row.pid, _NO_USAGE)
    return ProcessStatus(
        name=row.name,
        state=_state(row),
        pid=row.pid if row.exit is None else None,
        memory_bytes=usage.memory_bytes,
        cpu_s=usage.cpu_s,
        ends=row.ends,
    )


def _state(row: ProcessRow) -> State:
    if row.exit is not None:
        return "stopped" if row.exit in ENDED_IN_ORDER else "dead"
    return "paused" if row.paused else "running"
