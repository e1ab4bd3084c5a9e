"""A scenario's load, sent to a platform outside a run: planned, driven by Locust, and what it recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.backends.protocol import Platform
from harness.base.clocks import Clocks
from harness.base.errors import PlatformError
from harness.base.event_clock import origin_for
from harness.base.report import Report
from harness.base.run_clock import RunClock
from harness.base.waiting import wait_until
from harness.history.parquet_parts import without_dictionaries
from harness.history.schema import OPERATIONS
from harness.judge.measure.measurement import Numbers
from harness.load.plan.extent import event_span_ms
from harness.load.plan.file import PlanFile
from harness.load.workers.config import LoadConfig
from harness.load.workers.driver import load_argv, longest_s
from harness.load.workers.prepared_load import prepare_load
from harness.processes.protocol import ProcessStatus
from harness.scenario.model import Scenario
from harness.scenario.profiles.arrivals import arrivals_s
from pipeline.base.kafka import Topics
from tests.bench.profile_accuracy import Sendings

_LEAD_S: Final = 10.0
"""From the start of Locust to that of the load: enough on a busy machine for the process that sends record
batches, too."""
_GRACE_S: Final = 15.0
_NUMBERS: Final = ("intended_ns", "started_ns", "completed_ns", "count")


def send(scenario: Scenario, platform: Platform, folder: Path, report: Report) -> Sendings:
    """Send the whole load into a topic of its own, and wait for its end. ``folder`` is empty, and takes all.

    Raises what planning raises, KafkaFailed, and PlatformError for a load that ended badly or not at all.
    """
    load = prepare_load(scenario, cache=folder, report=report)
    if (plan := load.plan) is None:
        raise ValueError("events that are computed have no plan to compare with")
    name = f"{scenario.name}-{scenario.load.path}"
    topics = Topics(platform.endpoints.kafka)
    topics.create([name], scenario.pipeline.topics)
    for made in ("history", "load"):
        (folder / made).mkdir()
    platform.endpoints.save(folder / "endpoints.json")
    config = LoadConfig(
        endpoints=folder / "endpoints.json",
        topic=name,
        source=load.source,
        history=folder / "history",
        progress=folder / "load",
        clocks=_clocks(scenario, plan),
        acks=scenario.load.acks,
        users=scenario.load.users,
    )
    argv, env = load_argv(folder / "load.json", config, duration_s=scenario.load.duration)
    platform.processes.spawn(name, argv, env=env)
    _wait_for_end(platform, name, longest_s(scenario.load.duration) + _GRACE_S)
    topics.delete([name])
    return sendings(scenario, plan, _recorded(config.history), config.clocks.load_start_ns)


def _clocks(scenario: Scenario, plan: PlanFile) -> Clocks:
    clock = RunClock.start()
    return Clocks(
        epoch_unix_ns=clock.epoch_unix_ns,
        epoch_monotonic_ns=clock.epoch_monotonic_ns,
        load_start_ns=clock.now_ns() + round(_LEAD_S * 1e9),
        origin_ms=origin_for(
            span_ms=event_span_ms(scenario.load, plan), start_unix_ms=clock.epoch_unix_ns // 1_000_000
        ),
        time_scale=scenario.load.time_scale,
    )


def _wait_for_end(platform: Platform, name: str, timeout_s: float) -> None:
    def ended() -> ProcessStatus | None:
        (status,) = (status for status in platform.processes.status() if status.name == name)
        return status if status.state in {"dead", "stopped"} else None

    status = wait_until(ended, timeout_s=timeout_s, what=f"{name} to end", poll_s=0.5)
    if status.state == "dead":
        raise PlatformError(f"{name} failed; its log says why")


def _recorded(history: Path) -> pa.Table:
    """The operations."""
    parts = sorted((history / "operations").glob("*.parquet"))
    schema = without_dictionaries(OPERATIONS)
    return pa.concat_tables([schema.empty_table(), *(pq.read_table(part).cast(schema) for part in parts)])


def sendings(scenario: Scenario, plan: PlanFile, operations: pa.Table, load_start_ns: int) -> Sendings:
    """What was recorded of all events but the closing ones, beside when each was due."""
    closing_seq = plan.events - plan.counts["closing"]
    repeated = scenario.load.path == "record_batches"  # over and over, and without the closing events
    own = operations if repeated else operations.filter(pc.less(operations["first_seq"], closing_seq))
    column = {name: own[name].to_numpy() for name in _NUMBERS}
    return Sendings(
        duration_s=scenario.load.duration,
        due_s=_due_s(scenario, plan),
        sent_s=(column["started_ns"] - load_start_ns) / 1e9,
        completed_s=(column["completed_ns"] - load_start_ns) / 1e9,
        late_ms=(column["started_ns"] - column["intended_ns"]) / 1e6,
        events=column["count"],
        acknowledged=column["count"] * pc.equal(own["outcome"], "ok").to_numpy(),
    )


def _due_s(scenario: Scenario, plan: PlanFile) -> Numbers:
    """By the plan, or where whole batches are sent by the profile."""
    curve = scenario.load.curve
    if scenario.load.path == "record_batches" and curve is not None:
        return arrivals_s(curve, "even", seed=scenario.seed)
    planned = pq.read_table(plan.path, columns=["kind", "send_offset_ms"])
    own = planned.filter(pc.not_equal(planned["kind"].cast(pa.string()), "closing"))
    due: Numbers = own["send_offset_ms"].to_numpy() / 1000 / scenario.load.time_scale
    return due
