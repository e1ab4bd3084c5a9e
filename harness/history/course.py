"""The course of a run: its recorded phases, faults, ended processes and hot-store writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.scenario.faults import Parameter
from harness.scenario.phases import PhaseName

FOREVER_NS = 2**62
"""The end of the last phase, which no history records."""

Whole: TypeAlias = Annotated[int, Field(ge=-FOREVER_NS, le=FOREVER_NS)]
"""An integer whose sums and differences fit into 64 bits."""


def _current_phase_name(recorded: object) -> object:
    """Return today's name of a phase, which older histories call ``batch``."""
    return "lake" if recorded == "batch" else recorded


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PhaseLine(_Line):
    """A line of ``phases.jsonl``: the start of a phase."""

    at_ns: Whole
    phase: Annotated[PhaseName, BeforeValidator(_current_phase_name)]
    at_unix_ns: Whole | None = None
    """The same moment by the wall clock, which may have been adjusted since the run began."""


class FaultLine(_Line):
    """A line of ``faults.jsonl``: the start of an injection, the end of a heal, or the targets' states."""

    at_ns: Whole
    fault: Whole
    kind: str
    action: Literal["inject", "look", "heal"]
    nodes: list[str]
    ok: bool
    detail: str
    parameters: dict[str, Parameter] = {}
    """Those of the fault's kind, such as the bytes that a full disk leaves free."""
    states: dict[str, str] = {}
    """For ``look``: the state of each target, as the platform reported it."""

    @property
    def title(self) -> str:
        """The fault's kind and targets: ``kill kafka-broker-2``."""
        return f"{self.kind} {', '.join(self.nodes)}"


class EndLine(_Line):
    """A line of ``ends.jsonl``: the end of one of the platform's processes, for whatever reason."""

    at_ns: Whole
    node: str
    exit: Whole
    """The exit code, or minus the signal."""


class HotWriteLine(_Line):
    """A line of ``hot_writes-<n>.jsonl``: one batch, with its start by both clocks of its machine."""

    at_unix_ns: Whole
    at_monotonic_ns: Whole | None = None
    boot: str = ""
    """Its machine's boot id; where it is the run's, the monotonic clock is the run's clock."""
    duration_us: float
    rows: Whole
    table: str


class Span(_Line):
    """A phase, in the half-open interval [from_ns, to_ns)."""

    phase: PhaseName
    from_ns: int
    to_ns: int


class FaultSpan(_Line):
    """One fault of the schedule, from its injection to the end of its first successful heal."""

    number: int
    kind: str
    title: str
    nodes: tuple[str, ...]
    parameters: dict[str, Parameter] = {}
    inject_ns: int
    heal_ns: int | None
    problems: tuple[str, ...] = ()
    """Errors during its injection and heal."""
    states: tuple[dict[str, str], ...] = ()
    """Its targets' states after the injection and just before the heal."""


def spans(lines: Sequence[PhaseLine]) -> tuple[Span, ...]:
    """Return the phases in order; the last one has no end."""
    ordered = sorted(lines, key=lambda line: line.at_ns)
    following = (*(line.at_ns for line in ordered[1:]), FOREVER_NS)
    return tuple(
        Span(phase=line.phase, from_ns=line.at_ns, to_ns=end_ns)
        for line, end_ns in zip(ordered, following, strict=False)
        if end_ns > line.at_ns
    )


def fault_spans(lines: Sequence[FaultLine]) -> tuple[FaultSpan, ...]:
    """Return every injected fault, in the order of the injections."""
    injections: dict[int, FaultLine] = {}
    heals: dict[int, int] = {}
    problems: dict[int, list[str]] = {}
    states: dict[int, list[dict[str, str]]] = {}
    for line in sorted(lines, key=lambda line: line.at_ns):
        if line.action == "inject":
            injections.setdefault(line.fault, line)
        elif line.action == "look":
            states.setdefault(line.fault, []).append(line.states)
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
            states=tuple(states.get(number, ())),
        )
        for number, line in injections.items()
    )


def steady_span(phases: Sequence[Span], faults: Sequence[FaultSpan]) -> Span | None:
    """Return the part of the steady phase before the first fault, or None."""
    first_fault_ns = min((fault.inject_ns for fault in faults), default=FOREVER_NS)
    for span in phases:
        if span.phase == "steady" and span.from_ns < first_fault_ns:
            return span.model_copy(update={"to_ns": min(span.to_ns, first_fault_ns)})
    return None
