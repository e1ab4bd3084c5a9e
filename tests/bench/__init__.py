"""What `make bench` measures: a file a bench, and a line here. No tests: nothing is asserted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.bench.ingest import IngestBench
from tests.bench.lake import LakeBench
from tests.bench.profiles import ProfilesBench
from tests.bench.protocol import Bench
from tests.bench.stream import StreamBench

_IN_ORDER: Final[tuple[Bench, ...]] = (LakeBench(), IngestBench(), ProfilesBench(), StreamBench())

BENCHES: Final[Mapping[str, Bench]] = MappingProxyType({bench.name: bench for bench in _IN_ORDER})
