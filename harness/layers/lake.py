"""The lake layer: its tables are read back and compared, day by day, with an oracle.

Days are run by the lake stage of a scenario (harness/run/lake/), after the load has drained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from harness.base.report import Report
from harness.history.reader import History
from harness.judge.checks.lake.registry import LAKE_CHECKS
from harness.layers.figure import Bar, Canvas, Sketch
from harness.layers.protocol import Checks, Layer, Observed, Probe, Use
from harness.observe.platform.sampler import Reading, Source
from harness.scenario.lake_steps import LakeStage
from harness.scenario.model import Load
from pipeline.base.endpoints import Endpoints

_TASKS: Final = """
SELECT coalesce(event_date::VARCHAR, 'every day') AS "row", task AS "name",
       (began_ns - load_start_ns) / 1e9 AS begin_s, (ended_ns - load_start_ns) / 1e9 AS end_s,
       outcome <> 'promoted' AS marked
FROM lake_tasks, run ORDER BY began_ns
"""


class LakeObserver:
    """Reads back the tables. The lake does not run while the load flows, so there is nothing to sample."""

    def sources(self, endpoints: Endpoints) -> Sequence[Source]:
        """None."""
        return ()

    def probes(self, observed: Observed) -> Sequence[Probe]:
        """None."""
        return ()

    def drain(self, observed: Observed, *, timeout_s: float) -> Iterable[Reading]:
        """Nothing to wait for: days run only as steps of the lake stage."""
        return ()

    def copies(self, endpoints: Endpoints) -> Mapping[str, Callable[[], tuple[Reading, ...]]]:
        """None: an object store does not report its copies."""
        return {}

    def read_back(self, observed: Observed) -> Sequence[Callable[[], None]]:
        """Read every table, without Spark."""
        from harness.observe.readback.lake import lake_of
        from harness.observe.readback.lake_tables import record_batch_tables

        lake = lake_of(observed.endpoints.object_store)
        return (lambda: record_batch_tables(lake, observed.history, observed.report),)


def _equip(endpoints: Endpoints, report: Report) -> Endpoints:
    from harness.layers.pipeline_jars import with_lake_jar

    return with_lake_jar(endpoints, report=report)


def _uses(load: Load | None, stage: LakeStage | None) -> Iterator[Use]:
    if stage is not None:
        yield Use(at=("lake",), found="a lake stage")


def tasks(history: History) -> list[Bar]:
    """The lake's tasks in the order in which they began; tasks without a day share a row of their own."""
    found = history.columns(_TASKS)
    return [
        Bar(row=row, name=name, begin_s=float(begin_s), end_s=float(end_s), marked=bool(marked))
        for row, name, begin_s, end_s, marked in zip(*found.values(), strict=True)
    ]


def _draw_tasks(canvas: Canvas, history: History) -> None:
    canvas.bars(tasks(history))


LAKE: Final = Layer(
    name="lake",
    equip=_equip,
    observer=LakeObserver(),
    uses=_uses,
    checks=Checks(data=LAKE_CHECKS),
    figures=(
        Sketch(
            title="Lake",
            unit="",
            caption=(
                "The tasks of the lake, one row per day and one for landing. Hatched: tasks that a gate"
                " quarantined, and tasks that were not started because of that."
            ),
            draw=_draw_tasks,
            part="lake",
        ),
    ),
)
