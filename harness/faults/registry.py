"""The faults that a scenario may name: one file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.faults.protocol import Fault

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType({fault.name: fault for fault in (Kill(), Pause())})
