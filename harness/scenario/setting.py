"""The parts of a scenario that determine what its runs can measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.scenario.lake_steps import Rerun, RunDays, Step
from harness.scenario.model import Load, Scenario
from harness.scenario.phases import PHASES
from pipeline.base.options import LayerName, PipelineOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A scenario, or a draft of one; None marks what a draft leaves open, which rules nothing out."""

    pipeline: PipelineOptions | None
    load: Load | None
    warm_up_s: float | None
    faults: bool
    """Whether the scenario has faults."""
    steps: Sequence[Step] | None
    """Steps of the lake stage; empty without one."""

    @staticmethod
    def of(scenario: Scenario) -> Setting:
        """The setting of a complete scenario."""
        return Setting(
            pipeline=scenario.pipeline,
            load=scenario.load,
            warm_up_s=scenario.warm_up,
            faults=bool(scenario.faults),
            steps=scenario.lake.steps if scenario.lake else (),
        )

    @property
    def phases(self) -> frozenset[str]:
        """The phases that a run may have."""
        absent = set() if self.faults else {"fault", "recovery"}
        absent |= {"warm_up"} if self.warm_up_s == 0 else set()
        absent |= {"lake"} if self.steps is not None and not self.steps else set()
        return frozenset(PHASES) - absent

    def lacks_layer(self, name: LayerName) -> bool:
        """Whether this layer is not deployed."""
        return self.pipeline is not None and name not in self.pipeline.deploy

    def has_layer(self, name: LayerName) -> bool:
        """Whether this layer is deployed."""
        return self.pipeline is not None and name in self.pipeline.deploy

    @property
    def sends_events(self) -> bool:
        """Whether events are sent one by one instead of in record batches."""
        return self.load is not None and not self.load.sends_record_batches

    @property
    def sends_record_batches(self) -> bool:
        """Whether record batches are sent, so that the source topic is read back batch by batch."""
        return self.load is not None and self.load.sends_record_batches

    @property
    def is_flood(self) -> bool:
        """Whether the load sends as fast as the platform accepts, without intended send times."""
        return self.load is not None and self.load.is_flood

    @property
    def lacks_scans(self) -> bool:
        """Whether no step measures how much of the lake a query reads."""
        return self.steps is not None and not any(isinstance(s, RunDays) and s.scans for s in self.steps)

    @property
    def lacks_reruns(self) -> bool:
        """Whether no step reruns a day."""
        return self.steps is not None and not any(isinstance(s, Rerun) for s in self.steps)

    def lasts_less_than(self, duration_s: float) -> bool:
        """Whether the load is shorter than this."""
        return self.load is not None and self.load.duration < duration_s

    def lacks_readers(self, kind: str) -> bool:
        """Whether no reader is of this kind."""
        return self.load is not None and (self.load.readers is None or kind not in self.load.readers.weights)
