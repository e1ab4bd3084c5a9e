"""The course of a run: its phases, its faults, and the batches of the hot writers, as they were noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.history.renamed import phase_now
from harness.scenario.faults import Parameter
from harness.scenario.phases import PhaseName

FOREVER_NS = 2**62
"""When the last phase ends, as far as a history can tell."""

Whole: TypeAlias = Annotated[int, Field(ge=-FOREVER_NS, le=FOREVER_NS)]
"""A whole number of which sums and differences have room in 64 bits."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PhaseLine(_Line):
    """A line of ``phases.jsonl``: the phase that begins."""

    at_ns: Whole
    phase: Annotated[PhaseName, BeforeValidator(phase_now)]
    at_unix_ns: Whole | None = None
    """The same moment by the wall clock, which may have been set since the run began."""


class FaultLine(_Line):
    """A line of ``faults.jsonl``: an injection as it begins, a heal as it ends, or a look at the targets."""

    at_ns: Whole
    fault: Whole
    kind: str
    action: Literal["inject", "look", "heal"]
    nodes: list[str]
    ok: bool
    detail: str
    parameters: dict[str, Parameter] = {}
    """Those of the fault's kind, such as the bytes that a full disk leaves."""
    states: dict[str, str] = {}
    """Of a look: the state of each target, as the platform reported it."""

    @property
    def title(self) -> str:
        """``kill kafka-broker-2``."""
        return f"{self.kind} {', '.join(self.nodes)}"


class EndLine(_Line):
    """A line of ``ends.jsonl``: a process of the platform that ended, whoever ended it."""

    at_ns: Whole
    node: str
    exit: Whole
    """The exit code, or minus the signal."""


class HotWriteLine(_Line):
    """A line of ``hot_writes-<n>.jsonl``: one batch, with when it was begun by both clocks of its machine."""

    at_unix_ns: Whole
    at_monotonic_ns: Whole | None = None
    boot: str = ""
    """Of its machine; on that of the run, the monotonic clock is the run's."""
    duration_us: float
    rows: Whole
    table: str


class Span(_Line):
    """A phase from its first nanosecond to the first that is no longer in it."""

    phase: PhaseName
    from_ns: int
    to_ns: int


class FaultSpan(_Line):
    """One fault of the schedule, from its injection to the end of its first heal that worked."""

    number: int
    kind: str
    title: str
    nodes: tuple[str, ...]
    parameters: dict[str, Parameter] = {}
    inject_ns: int
    heal_ns: int | None
    problems: tuple[str, ...] = ()
    """What went wrong while it was injected or healed."""
    looks: tuple[dict[str, str], ...] = ()
    """The states of its targets once it was injected, and just before it was healed."""


def spans(lines: Sequence[PhaseLine]) -> tuple[Span, ...]:
    """The phases one after the other; the last one has no end."""
    ordered = sorted(lines, key=lambda line: line.at_ns)
    following = (*(line.at_ns for line in ordered[1:]), FOREVER_NS)
    return tuple(
        Span(phase=line.phase, from_ns=line.at_ns, to_ns=end_ns)
        for line, end_ns in zip(ordered, following, strict=False)
        if end_ns > line.at_ns
    )


def fault_spans(lines: Sequence[FaultLine]) -> tuple[FaultSpan, ...]:
    """Each fault that was injected, in the order of the injections."""
    injections: dict[int, FaultLine] = {}
    heals: dict[int, int] = {}
    problems: dict[int, list[str]] = {}
    looks: dict[int, list[dict[str, str]]] = {}
    for line in sorted(lines, key=lambda line: line.at_ns):
        if line.action == "inject":
            injections.setdefault(line.fault, line)
        elif line.action == "look":
            looks.setdefault(line.fault, []).append(line.states)
        elif line.ok:
            heals.setdefault(line.fault, line.at_ns)
        if not line.ok:
            problems.setdefault(line.fault, []).append(f"{line.action} {line.title}: {line.detail}")
    return tuple(
        FaultSpan(
            number=number,
            kind=line.kind,
            title=line.title,
            nodes=tuple(line.nodes),
            parameters=line.parameters,
            inject_ns=line.at_ns,
            heal_ns=heals.get(number),
            problems=tuple(problems.get(number, ())),
            looks=tuple(looks.get(number, ())),
        )
        for number, line in injections.items()
    )


def steady_span(phases: Sequence[Span], faults: Sequence[FaultSpan]) -> Span | None:
    """The steady phase, as far as it lies before the first fault; None when there is none."""
    first_fault_ns = min((fault.inject_ns for fault in faults), default=FOREVER_NS)
    for span in phases:
        if span.phase == "steady" and span.from_ns < first_fault_ns:
            return span.model_copy(update={"to_ns": min(span.to_ns, first_fault_ns)})
    return None
