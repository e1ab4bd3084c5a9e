"""The folder of one run, ``reports/runs/<date>--<n>/``: created once, never shared between runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.base.errors import InvalidInput, Problem
from harness.base.files import copy_file
from harness.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where everything of a run is kept. ``history`` and ``logs`` exist from the start."""

    path: Path

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def history(self) -> Path:
        """Tables, ``run.json``, phases and faults."""
        return self.path / "history"

    @property
    def has_begun(self) -> bool:
        """Whether the load began, so that there is something to judge."""
        return (self.history / "run.json").is_file()

    @property
    def logs(self) -> Path:
        """One log per node or process."""
        return self.path / "logs"

    @property
    def scenario(self) -> Path:
        """The resolved scenario, saved before anything starts."""
        return self.path / "scenario.json"

    @property
    def endpoints(self) -> Path:
        """The endpoints, for processes of the load and of the pipeline; readable by the owner alone."""
        return self.path / "endpoints.json"

    @property
    def pipeline_options(self) -> Path:
        """The pipeline's options, for its processes."""
        return self.path / "pipeline.json"

    @property
    def plan(self) -> Path:
        """The plan of the load, as part of the history."""
        return self.history / "plan.parquet"

    @property
    def load_progress(self) -> Path:
        """The folder in which each worker of the load keeps its progress."""
        return self.path / "load"

    def keep_plan(self, plan: Path) -> None:
        """Copy the cached plan into the history."""
        copy_file(plan, self.plan)

    def keep_encoded(self, index: Path) -> None:
        """Copy the index of the encoded trace into the history."""
        (self.history / "encoded").mkdir()
        copy_file(index, self.history / "encoded" / "trace.parquet")

    @staticmethod
    def create(out: Path, scenario: Scenario, today: date) -> RunFolder:
        """Make the next free folder under ``out``; two runs at once get two folders."""
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(out, error) from error
        taken = [int(p.name.rpartition("--")[2]) for p in out.glob(f"{today}--*") if _is_numbered(p)]
        number = max(taken, default=0) + 1
        while True:
            folder = RunFolder(out / f"{today}--{number}")
            try:
                folder.path.mkdir()
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise _unusable(out, error) from error
            folder.history.mkdir()
            folder.logs.mkdir()
            folder.load_progress.mkdir()
            folder.scenario.write_text(scenario.model_dump_json(indent=2))
            return folder


def _unusable(out: Path, error: OSError) -> InvalidInput:
    allowed = f"a folder that can be written ({error})"
    return InvalidInput([Problem(where="--out", found=str(out), allowed=allowed)])


def _is_numbered(path: Path) -> bool:
    return path.name.rpartition("--")[2].isdigit()
