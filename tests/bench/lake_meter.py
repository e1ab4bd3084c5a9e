"""What a step took: time, processor time, and what Spark did for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psutil

from harness.backends.protocol import Platform
from tests.bench.processor_time import ProcessorMeter

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_STORE: Final = "object_store-node-1"
_PYTHON, _DRIVER = "python", "driver"
_QUIET_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a step used."""

    run_s: float
    cpu_s: float
    """Of this process and Spark's driver, where the session's tasks run."""
    python_cpu_s: float
    """The part of this process."""
    store_cpu_s: float
    stages: int
    tasks: int
    task_cpu_s: float
    """The part of the driver's that tasks had: the rest plans, compiles, collects garbage, commits."""
    shuffled_bytes: int


class LakeMeter:
    """Reads what this process, the session's driver and the object store have used."""

    def __init__(self, platform: Platform, spark: SparkSession) -> None:
        gateway: Any = spark.sparkContext._gateway
        store = ProcessorMeter.of(platform, [_STORE])
        processes = {_PYTHON: psutil.Process(), _DRIVER: psutil.Process(gateway.proc.pid), **store.processes}
        self._processors = ProcessorMeter(processes)
        self._spark = spark

    def settle(self) -> None:
        """Let what the last step left end, such as compiling, so that the next does not pay for it."""
        self._processors.wait_until_quiet(timeout_s=_QUIET_TIMEOUT_S)

    def measure(self, run: Callable[[], object]) -> Used:
        """What this takes."""
        seen = _stages(self._spark)
        before, began_s = self._processors.used_s(), time.monotonic()
        run()
        run_s, after = time.monotonic() - began_s, self._processors.used_s()
        stages = [stage for number, stage in _stages(self._spark).items() if number not in seen]
        return Used(
            run_s=run_s,
            cpu_s=sum(after[name] - before[name] for name in (_PYTHON, _DRIVER)),
            python_cpu_s=after[_PYTHON] - before[_PYTHON],
            store_cpu_s=after[_STORE] - before[_STORE],
            stages=len(stages),
            tasks=sum(stage.numCompleteTasks() for stage in stages),
            task_cpu_s=sum(stage.executorCpuTime() for stage in stages) / 1e9,
            shuffled_bytes=sum(stage.shuffleWriteBytes() for stage in stages),
        )


def _stages(spark: SparkSession) -> Mapping[int, Any]:
    """By number, what Spark remembers: the last thousand stages that had something to do."""
    gateway: Any = spark.sparkContext._gateway
    context: Any = spark.sparkContext._jsc
    # What it counts comes to it as events, some time later.
    context.sc().listenerBus().waitUntilEmpty()
    everything = gateway.jvm.java.util.ArrayList()
    no_quantiles = gateway.new_array(gateway.jvm.double, 0)
    found = context.sc().statusStore().stageList(everything, False, False, no_quantiles, everything)
    stages = (found.apply(number) for number in range(found.size()))
    return {stage.stageId(): stage for stage in stages if stage.status().toString() == "COMPLETE"}
