"""The kinds of readers that a scenario may name: a file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from harness.load.readers.hot_point import HotPoint
from harness.load.readers.hot_range import HotRange
from harness.load.readers.protocol import UserKind

READER_KINDS: Final[Mapping[str, UserKind[Any]]] = MappingProxyType(
    {"hot_point": HotPoint(), "hot_range": HotRange()}
)
