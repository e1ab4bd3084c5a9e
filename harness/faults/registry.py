"""The faults that a scenario may use: one file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.faults.protocol import Fault

_IN_ORDER: Final[tuple[type[Fault], ...]] = (
    Kill,
    Pause,
)

FAULTS: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {fault.model_fields["kind"].default: fault for fault in _IN_ORDER}
)
