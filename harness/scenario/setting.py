"""What of a scenario decides what any of its runs can tell at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.scenario.lake_steps import Rerun, RunDays, Step
from harness.scenario.model import Load, Scenario
from harness.scenario.phases import PHASES
from pipeline.base.options import LayerName, PipelineOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """None stands for what a draft does not tell yet, which is no ground to refuse anything."""

    pipeline: PipelineOptions | None
    load: Load | None
    warm_up_s: float | None
    faults: bool
    """Whether there are any."""
    steps: Sequence[Step] | None
    """Of the lake stage; empty where there is none."""

    @staticmethod
    def of(scenario: Scenario) -> Setting:
        """That of a scenario, of which everything is known."""
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
        """Whether events are sent one by one, and not whole batches."""
        return self.load is not None and not self.load.sends_record_batches

    @property
    def sends_record_batches(self) -> bool:
        """Whether whole batches are sent, by which alone the source topic is read back."""
        return self.load is not None and self.load.sends_record_batches

    @property
    def intends_no_moment(self) -> bool:
        """Whether all is sent as fast as it is taken."""
        return self.load is not None and self.load.is_flood

    @property
    def lacks_scans(self) -> bool:
        """Whether no step measures what a query of the lake reads."""
        return self.steps is not None and not any(isinstance(s, RunDays) and s.scans for s in self.steps)

    @property
    def lacks_reruns(self) -> bool:
        """Whether no day is carried out again."""
        return self.steps is not None and not any(isinstance(s, Rerun) for s in self.steps)

    def lasts_less_than(self, duration_s: float) -> bool:
        """Whether the load is over before."""
        return self.load is not None and self.load.duration < duration_s

    def lacks_readers(self, kind: str) -> bool:
        """Whether no reader beside the load is of this kind."""
        return self.load is not None and (self.load.readers is None or kind not in self.load.readers.weights)
