"""``floodmark run``: run a scenario, judge it, and print where the report is."""

from __future__ import annotations

import shlex
import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from harness.backends.registry import DEFAULT_BACKEND
from harness.base.errors import FloodmarkError, RunError
from harness.cli.judge import judge_and_show
from harness.cli.output import BackendOption, OutOption, OutputFormat, OutputOption, Progress, SeedOption
from harness.load.join.command import joining_of
from harness.load.workers.join_config import Joining
from harness.run.folder import RunFolder
from harness.run.real.assembly import real_parts
from harness.run.run import run as run_scenario
from harness.validate.scenario_file import load_scenario
from harness.validate.vocabulary import vocabulary

INTERRUPTED = 130


def run(
    scenario: Annotated[Path, typer.Argument(help="The scenario's YAML file.", show_default=False)],
    *,
    seed: SeedOption = None,
    backend: BackendOption = DEFAULT_BACKEND,
    out: OutOption = Path("reports/runs"),
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=64, help="Number of workers that join by `floodmark join`.")
    ] = 0,
    join_host: Annotated[
        str | None,
        typer.Option(
            "--join-host",
            help="Address on which to listen for workers; 0.0.0.0 for all. Locust's protocol is neither "
            "authenticated nor encrypted: only in a network that you trust.  [default: 127.0.0.1]",
        ),
    ] = None,
    join_port: Annotated[
        int | None,
        typer.Option(
            "--join-port", min=1, max=65535, help="Port on which to listen for workers.  [default: 5557]"
        ),
    ] = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Run a scenario: start the platform, flood it, break it, judge it.

    Example: floodmark run scenarios/quickstart.yaml --seed 7

    Exit codes: 0 PASS, 1 FAIL, 2 the scenario was refused, 3 INCONCLUSIVE, 4 the platform would not start,
    130 interrupted. Ctrl-C heals, stops everything and leaves a run that can be judged.
    """
    loaded = load_scenario(scenario, seed=seed, words=vocabulary(backend))
    joining = joining_of(workers, join_host, join_port)
    parts = real_parts(backend, joining)
    folder = RunFolder.create(out, loaded, date.today())
    report = Progress()
    report(f"run {folder.run_id} of {loaded.name}, seed {loaded.seed}, into {folder.path}")
    command = shlex.join(["floodmark", "run", str(scenario), "--seed", str(loaded.seed), *_options(joining)])
    exit_code: int | None = None
    with _signals_interrupt():
        try:
            run_scenario(loaded, parts, folder=folder, command=command, report=report)
        except KeyboardInterrupt:
            report("interrupted: everything was healed and stopped; judging what was recorded")
            exit_code = INTERRUPTED
        except RunError as error:
            report(f"the run ended early: {error}")
        except Exception as error:
            report(f"the logs are in {folder.logs}; to run it again: {command}")
            if not folder.has_begun:
                raise
            # Judge what was recorded before the error; the verdict can never be PASS.
            report(f"the run ended early: {type(error).__name__}: {error}")
            if not isinstance(error, FloodmarkError):
                traceback.print_exc()
    judgement = judge_and_show(folder.path, output)
    raise typer.Exit(judgement.exit_code if exit_code is None else exit_code)


def _options(joining: Joining | None) -> Sequence[str]:
    """The command-line options for joining workers."""
    if joining is None:
        return ()
    options = {"--workers": joining.workers, "--join-host": joining.host, "--join-port": joining.port}
    return [text for option, value in options.items() for text in (option, str(value))]


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {s: signal.signal(s, interrupt) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
