"""A worker's part of a load, assigned by the master, so that no event is sent by two workers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Share(BaseModel):
    """One of ``of`` shares. An entity's events are all in one, and so are a partition's batches."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    index: int = Field(default=0, ge=0)
    of: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> Share:
        if self.index >= self.of:
            raise ValueError(f"share {self.index} of {self.of}: they are numbered from 0")
        return self

    @property
    def worker(self) -> str:
        """The name under which the worker with this share records."""
        return f"worker-{self.index}"

    def holds_entity(self, key: bytes) -> bool:
        """Whether the events with this key are sent by this worker."""
        return zlib.crc32(key) % self.of == self.index

    def holds_partition(self, partition: int) -> bool:
        """Whether whole batches for this partition are sent by this worker."""
        return partition % self.of == self.index

    def lane_of(self, key: bytes, lanes: int) -> int:
        """The lane of the worker that an entity goes through: every share uses all of its lanes."""
        return zlib.crc32(key) // self.of % lanes

    def deal(self, keys: Sequence[bytes], lanes: int) -> list[Sequence[int]]:
        """The indices of each lane's events: an entity's events always go through the same lane."""
        if lanes == 1:
            return [range(len(keys))]
        dealt: list[list[int]] = [[] for _ in range(lanes)]
        for index, key in enumerate(keys):
            dealt[self.lane_of(key, lanes)].append(index)
        return list(dealt)


WHOLE = Share()
"""The share of a load that one worker sends alone."""
