"""The configuration of a load: a JSON file that the environment names for Locust's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from harness.base.clocks import Clocks
from harness.base.process_config import ProcessConfig
from harness.load.send.outcomes import DELIVERY_TIMEOUT_S, FLUSH_TIMEOUT_S
from harness.load.workers.join_config import JoinConfig
from harness.load.workers.source import LoadSource

CONFIG_VARIABLE: Final = "FLOODMARK_LOAD"
"""The environment variable that names the file."""


class LoadConfig(ProcessConfig):
    """One load into one topic."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    topic: str
    source: LoadSource
    history: Path
    progress: Path
    """The folder in which each worker keeps its ``LoadProgress``."""

    clocks: Clocks
    join: JoinConfig | None = None
    """If given, the load waits for workers on other machines, and then for its clocks."""
    starts_with_test: bool = False
    """Whether the load starts with Locust's test, as from its web page, and not when ``clocks`` say."""

    acks: Literal["all", "1"] = "all"
    users: int = Field(default=1, ge=1, le=64)
    """Producers of each worker, each with its part of the entities; Locust's users drive them."""
    linger_ms: float = Field(default=100.0, ge=0)
    compression: Literal["none", "snappy", "lz4", "zstd"] = "snappy"
    delivery_timeout_s: float = Field(default=DELIVERY_TIMEOUT_S, gt=0)
    """How long the client retries one event. It must outlast the faults."""
    flush_timeout_s: float = Field(default=FLUSH_TIMEOUT_S, gt=0)
    """How long to wait for acknowledgements after the last event was sent."""
    stop_timeout_s: float = Field(default=5.0, gt=0)
    """The same when the load is stopped early."""

    def started(self, now_ns: int) -> Clocks:
        """The clocks of the load if Locust's test starts now, nanoseconds since the run's epoch.

        Raises OSError or pydantic's ValidationError.
        """
        if self.join is not None:
            return Clocks.model_validate_json(self.join.start.read_bytes())
        load_start_ns = now_ns if self.starts_with_test else self.clocks.load_start_ns
        return self.clocks.model_copy(update={"load_start_ns": load_start_ns})

    def at(self, folder: Path) -> LoadConfig:
        """The same load for a worker whose files are all in this folder."""
        return self.model_copy(
            update={
                "endpoints": folder / "endpoints.json",
                "source": self.source.at(folder),
                "history": folder / "history",
                "progress": folder / "load",
                "join": None,
            }
        )
