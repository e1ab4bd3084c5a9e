"""Undoes what was begun, in reverse and in every case; an error during it never hides the first one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from harness.base.report import Report


@dataclass
class Teardown:
    """A context in which steps are registered as ``on_exit("stop the platform", platform.down)``.

    Every step runs, the last one first, even after another step raised. If the body raised, its error
    propagates and the steps' errors are reported; otherwise the first error of a step is raised.
    """

    report: Report
    _steps: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    def on_exit(self, what: str, step: Callable[[], object]) -> None:
        """Run ``step`` at the end."""
        self._steps.append((what, step))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        first: BaseException | None = None
        while self._steps:
            what, step = self._steps.pop()
            try:
                step()
            except BaseException as failure:  # noqa: BLE001 -- reported here and raised below
                self.report(f"could not {what}: {type(failure).__name__}: {failure}")
                first = first or failure
        if first is not None and error is None:
            raise first
