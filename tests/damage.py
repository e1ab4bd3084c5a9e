"""Damages copies of a recorded run, a file at a time, and judges each: no verdict may become better by it.

``python -m tests.damage RUN_FOLDER --damages 2000`` works on copies of its own. Every damage is judged by
what the history tells of it, and every so many in full, check by check, which takes seconds for a large run.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from harness.base.errors import RunError
from harness.history import parquet_parts as parts
from harness.history.reader import History
from harness.history.seal import SCENARIO, SEAL, seal_history
from harness.judge.judge import judge_history
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.registry import CHECKS

Damage = Callable[[random.Random, Path], object]

_JUNK: Final = b'\x00junk{"at_ns":1}\n'
_EVERY_LIMIT_ASKS: Final = frozenset({"run", "phases", "faults", "generator", "operations", "plan"})
"""What the judge looks at besides what a check needs, before it blames the platform."""


def _flip(rng: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _cut(rng: random.Random, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def _cut_out(rng: random.Random, path: Path) -> None:
    content = path.read_bytes()
    at = rng.randrange(len(content))
    path.write_bytes(content[:at] + content[at + rng.randint(1, 512) :])


def _zero(rng: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    end = min(at + rng.randint(1, 4096), len(content))
    content[at:end] = bytes(end - at)
    path.write_bytes(content)


def _append(rng: random.Random, path: Path) -> None:
    with path.open("ab") as file:
        file.write(_JUNK * rng.randint(1, 3))


def _rename(rng: random.Random, path: Path) -> None:
    path.rename(path.with_name(f"x{path.name}"))


def _add(rng: random.Random, path: Path) -> None:
    shutil.copyfile(path, path.with_name(f"{path.stem}9{path.suffix}"))


def _link(rng: random.Random, path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _folder(rng: random.Random, path: Path) -> None:
    path.unlink()
    path.mkdir()


def _of_lines(change: Callable[[random.Random, list[bytes]], object]) -> Damage:
    def damage(rng: random.Random, path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        change(rng, lines)
        path.write_bytes(b"".join(lines))

    return damage


def _double_line(rng: random.Random, lines: list[bytes]) -> None:
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))


def _swap_lines(rng: random.Random, lines: list[bytes]) -> None:
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]


def _with_sibling(change: Callable[[Path, Path], object]) -> Damage:
    def damage(rng: random.Random, path: Path) -> None:
        siblings = sorted(p for p in path.parent.glob(f"*{path.suffix}") if p != path and p.is_file())
        if siblings:
            change(path, rng.choice(siblings))

    return damage


def _swap_files(first: Path, second: Path) -> None:
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


DAMAGES: Final[Mapping[str, Damage]] = {
    "a bit flipped": _flip,
    "cut": _cut,
    "a piece cut out": _cut_out,
    "a block zeroed": _zero,
    "junk appended": _append,
    "removed": lambda rng, path: path.unlink(),
    "emptied": lambda rng, path: path.write_bytes(b""),
    "renamed": _rename,
    "another file added": _add,
    "replaced by a link": _link,
    "replaced by a folder": _folder,
    "swapped with another": _with_sibling(_swap_files),
    "overwritten by another": _with_sibling(lambda path, other: shutil.copyfile(other, path)),
    "a line removed": _of_lines(lambda rng, lines: lines.pop(rng.randrange(len(lines)))),
    "a line doubled": _of_lines(_double_line),
    "lines swapped": _of_lines(_swap_lines),
    "its table removed": lambda rng, path: shutil.rmtree(path.parent),
}
"""What is done to a file; some of them leave some files as they were."""
_OF_LINES: Final = frozenset({"a line removed", "a line doubled", "lines swapped"})
_ADDS: Final = frozenset({"another file added"})
_OF_TABLES: Final = frozenset({"its table removed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """One file that was damaged in one way."""

    file: str
    how: str

    def __str__(self) -> str:
        return f"{self.file}, {self.how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a damaged run was judged."""

    damaged: Damaged
    verdict: str
    wrong: tuple[str, ...]
    """What must not be; nothing where all is as it should be."""


def judged_files(run: Path) -> list[str]:
    """The files that a verdict rests on, and their seal, by their names from the run's folder."""
    found = (path for path in (run / "history").rglob("*") if path.is_file())
    return [SCENARIO, *sorted(path.relative_to(run).as_posix() for path in found)]


def fitting(file: str) -> list[str]:
    """The damages that mean something for a file."""
    lines, in_table = file.endswith(("jsonl", "hlog", "json")), file.count("/") > 1
    unfit = (frozenset() if lines else _OF_LINES) | (frozenset() if in_table else _OF_TABLES)
    # What else lies beside the scenario is no part of what is judged.
    unfit |= _ADDS if file == SCENARIO else frozenset()
    return [how for how in DAMAGES if how not in unfit]


@contextmanager
def damaged(run: Path, file: str, how: str, seed: int) -> Iterator[bool]:
    """The run with one damage, and afterwards without it again. False where it changed nothing."""
    folder = (run / file).parent
    kept = _contents(folder)
    if kept[Path(file).name]:
        DAMAGES[how](random.Random(seed), run / file)
    try:
        yield _contents(folder) != kept
    finally:
        _restore(folder, kept)


def _contents(folder: Path) -> dict[str, bytes | None]:
    """What lies in a folder; None for what is no file, where nothing else is of interest."""
    if not folder.is_dir():
        return {}
    entries = [path for path in folder.iterdir() if path.is_symlink() or path.is_file() or path.suffix]
    return {path.name: None if path.is_symlink() or path.is_dir() else path.read_bytes() for path in entries}


def _restore(folder: Path, kept: Mapping[str, bytes | None]) -> None:
    folder.mkdir(exist_ok=True)
    now = _contents(folder)
    for name in now.keys() - {name for name, content in kept.items() if now.get(name) == content}:
        path = folder / name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, content in kept.items():
        if content is not None and now.get(name) != content:
            (folder / name).write_bytes(content)


def judge_in_full(run: Path) -> Judgement:
    """By all checks of the run's scenario."""
    return judge_history(History.open(run), run_id="r")


def outcome(run: Path, damage: Damaged, before: Judgement, *, full: bool) -> Outcome:
    """What a damaged run is judged to be, and what of it is wrong."""
    try:
        history = History.open(run)
        after = judge_history(history, run_id="r", checks=None if full else {})
    except RunError as error:
        unexpected = [] if damage.file == SCENARIO else [f"no other file is worth an error: {error}"]
        return Outcome(damaged=damage, verdict="RunError", wrong=tuple(unexpected))
    except Exception as error:  # noqa: BLE001 -- whatever a damage makes crash is what this looks for
        return Outcome(damaged=damage, verdict="crash", wrong=(f"{type(error).__name__}: {error}",))
    wrong = tuple(_wrong(before, after, history, full=full))
    return Outcome(damaged=damage, verdict=after.verdict, wrong=wrong)


def _wrong(before: Judgement, after: Judgement, history: History, *, full: bool) -> Iterator[str]:
    """The last rule, from which the verdict follows; and in full, what each finding became."""
    if not any(f.name == "history" and f.verdict is Verdict.INCONCLUSIVE for f in after.findings):
        yield "the damage was not noticed"
    if after.verdict is Verdict.PASS:
        yield "it passes"
    if not full:
        return
    known = {(f.name, f.limit): f for f in before.findings}
    for finding in (f for f in after.findings if f.name not in ("history", "expect_fail")):
        was = known[finding.name, finding.limit]
        if finding.verdict is Verdict.INCONCLUSIVE:
            if was.verdict is Verdict.FAIL and not _reads(finding) & history.damaged:
                yield f"{finding.name} {finding.limit} fails no more, though all it reads is whole"
        elif (finding.verdict, finding.observed) != (was.verdict, was.observed):
            yield f"{finding.name} {finding.limit} was {was.verdict} and is {finding.verdict}"


def _reads(finding: Finding) -> frozenset[str]:
    return frozenset(CHECKS[finding.name].needs) | _EVERY_LIMIT_ASKS


def _read_once() -> None:
    """Have files that were not touched since not parsed again: of hundreds a damage concerns one."""
    read = parts._rows
    known: dict[tuple[Path, int, int], pa.Table] = {}

    def rows(path: Path, wanted: pa.Schema) -> pa.Table:
        facts = path.stat()
        key = (path, facts.st_mtime_ns, facts.st_size)
        if key not in known:
            known[key] = read(path, wanted)
        return known[key]

    parts._rows = rows


def _sweep(task: tuple[Path, Path, Sequence[tuple[Damaged, int, bool]]]) -> list[Outcome]:
    """Damage a copy in its own folder, once for each, and judge it."""
    recorded, folder, damages = task
    _read_once()
    run = Path(
        shutil.copytree(recorded, folder / recorded.name, ignore=shutil.ignore_patterns("data", "logs"))
    )
    if not (run / SEAL).exists():
        seal_history(run)
    before = judge_in_full(run)
    outcomes = []
    for damage, seed, full in damages:
        with damaged(run, damage.file, damage.how, seed) as changed:
            if changed:
                outcomes.append(outcome(run, damage, before, full=full))
    after = judge_in_full(run)
    if after != before:
        raise AssertionError("the run was not restored")
    return outcomes


def sweep(run: Path, *, damages: int, full_every: int, seed: int, jobs: int) -> list[Outcome]:
    """So many damages of a run, every file in turn and in every way, judged in ``jobs`` processes."""
    rng = random.Random(seed)
    files = sorted({*judged_files(run), SEAL})
    planned = [
        (Damaged(file=file, how=how), rng.getrandbits(32), n % full_every == 0)
        for n, (file, how) in enumerate(_in_turn(files, damages, rng))
    ]
    with tempfile.TemporaryDirectory(prefix="floodmark-damage-") as folder, ProcessPoolExecutor(jobs) as pool:
        tasks = [(run, Path(folder, str(job)), planned[job::jobs]) for job in range(jobs)]
        for _, copies, _ in tasks:
            copies.mkdir()
        return [one for outcomes in pool.map(_sweep, tasks) for one in outcomes]


def _in_turn(files: Sequence[str], count: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Each file by each of its damages, in an order that reaches every file early."""
    rounds = {file: rng.sample(fitting(file), len(fitting(file))) for file in files}
    for number in range(count):
        file = files[number % len(files)]
        yield file, rounds[file][number // len(files) % len(rounds[file])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path, help="the folder of a recorded run; it is copied, not touched")
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument("--full-every", type=int, default=40, help="judge every so many by all checks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    outcomes = sweep(
        asked.run, damages=asked.damages, full_every=asked.full_every, seed=asked.seed, jobs=asked.jobs
    )
    wrong = [one for one in outcomes if one.wrong]
    files = len({one.damaged.file for one in outcomes})
    told = [
        *(f"WRONG  {one.damaged}: {'; '.join(one.wrong)}" for one in wrong),
        f"{len(outcomes):,} damages of {files:,} files, {len(wrong):,} of them judged wrong",
        f"verdicts: {dict(Counter(str(one.verdict) for one in outcomes))}",
        f"damages: {dict(Counter(one.damaged.how for one in outcomes))}",
    ]
    print("\n".join(told))  # noqa: T201
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
