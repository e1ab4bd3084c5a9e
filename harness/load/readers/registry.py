"""The kinds of readers that a scenario can name; each has its own file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from harness.load.readers.hot_point import HotPoint
from harness.load.readers.hot_range import HotRange
from harness.load.readers.protocol import ReaderKind

READER_KINDS: Final[Mapping[str, ReaderKind[Any]]] = MappingProxyType(
    {"hot_point": HotPoint(), "hot_range": HotRange()}
)
