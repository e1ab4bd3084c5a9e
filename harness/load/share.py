"""A worker's share of a load, assigned by the master so that no two workers send the same event."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Share(BaseModel):
    """One of ``of`` shares. Each entity's events, and each partition's batches, are all in one share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    index: int = Field(default=0, ge=0)
    of: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> Share:
        if self.index >= self.of:
            raise ValueError(f"share {self.index} of {self.of} does not exist: shares are numbered from 0")
        return self

    @property
    def worker(self) -> str:
        """The name that the worker with this share records under."""
        return f"worker-{self.index}"

    def holds_entity(self, key: bytes) -> bool:
        """Whether this worker sends the events with this key."""
        return zlib.crc32(key) % self.of == self.index

    def holds_partition(self, partition: int) -> bool:
        """Whether this worker sends the batches for this partition."""
        return partition % self.of == self.index

    def lane_of(self, key: bytes, lanes: int) -> int:
        """The lane of this worker that sends an entity's events; every share uses all of its lanes."""
        return zlib.crc32(key) // self.of % lanes

    def deal(self, keys: Sequence[bytes], lanes: int) -> list[Sequence[int]]:
        """The indices of each lane's events; an entity's events always use the same lane."""
        if lanes == 1:
            return [range(len(keys))]
        dealt: list[list[int]] = [[] for _ in range(lanes)]
        for index, key in enumerate(keys):
            dealt[self.lane_of(key, lanes)].append(index)
        return list(dealt)


WHOLE = Share()
"""The share of a single worker that sends the whole load."""
