"""Brokers to send to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from harness.backends.process.backend import ProcessBackend
from harness.backends.protocol import Platform
from harness.base.report import Report
from harness.base.units import size_bytes
from harness.run.teardown import Teardown
from harness.scenario.topology import RoleSpec, Topology


def brokers_alone(count: int) -> Topology:
    """So many brokers, each in a zone of its own, and nothing else."""
    return Topology(
        name="bench",
        zones=tuple(islice("abc", count)),
        services={"kafka": {"broker": RoleSpec(count=count, memory=size_bytes("768MiB"))}},
        jit="c2",
    )


@contextmanager
def kafka_cluster(brokers: int, logs: Path, folder: Path, report: Report) -> Iterator[Platform]:
    """A platform of these brokers alone, which goes with the block."""
    with Teardown(report) as teardown:
        platform = ProcessBackend().up(brokers_alone(brokers), data_dir=folder, log_dir=logs, report=report)
        teardown.on_exit("stop the platform", platform.down)
        yield platform
