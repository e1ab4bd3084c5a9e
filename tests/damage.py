"""Damages copies of a recorded run, one file at a time, and judges each: no damage may improve a verdict.

``python -m tests.damage RUN_FOLDER --damages 2000`` works on its own copies. Every damage must show in the
history's problems; every n-th is judged by all checks, which takes seconds for a large run.
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
_NEEDED_BY_EVERY_LIMIT: Final = frozenset({"run", "phases", "faults", "generator", "operations", "plan"})
"""What the judge reads besides a check's needs, before it blames the platform."""


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
"""Ways to damage a file; some leave some files unchanged."""
_OF_LINES: Final = frozenset({"a line removed", "a line doubled", "lines swapped"})
_ADDS: Final = frozenset({"another file added"})
_OF_TABLES: Final = frozenset({"its table removed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A file and how it was damaged."""

    file: str
    how: str

    def __str__(self) -> str:
        return f"{self.file}, {self.how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The judgement of a damaged run."""

    damaged: Damaged
    verdict: str
    wrong: tuple[str, ...]
    """Violated expectations; empty if the judgement is right."""


def judged_files(run: Path) -> list[str]:
    """Return the files that a verdict depends on and their seal, by path relative to the run's folder."""
    found = (path for path in (run / "history").rglob("*") if path.is_file())
    return [SCENARIO, *sorted(path.relative_to(run).as_posix() for path in found)]


def fitting(file: str) -> list[str]:
    """Return the damages that apply to a file."""
    lines, in_table = file.endswith(("jsonl", "hlog", "json")), file.count("/") > 1
    unfit = (frozenset() if lines else _OF_LINES) | (frozenset() if in_table else _OF_TABLES)
    # Other files next to the scenario are not judged.
    unfit |= _ADDS if file == SCENARIO else frozenset()
    return [how for how in DAMAGES if how not in unfit]


@contextmanager
def damaged(run: Path, file: str, how: str, seed: int) -> Iterator[bool]:
    """Damage a run, and restore it afterwards. Yields False if the damage changed nothing."""
    folder = (run / file).parent
    kept = _contents(folder)
    if kept[Path(file).name]:
        DAMAGES[how](random.Random(seed), run / file)
    try:
        yield _contents(folder) != kept
    finally:
        _restore(folder, kept)


def _contents(folder: Path) -> dict[str, bytes | None]:
    """Return a folder's entries by name, with None in place of the content of links and folders."""
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
    """Judge a run by all checks of its scenario."""
    return judge_history(History.open(run), run_id="r")


def outcome(run: Path, damage: Damaged, before: Judgement, *, full: bool) -> Outcome:
    """Judge a damaged run, and compare with its judgement before."""
    try:
        history = History.open(run)
        after = judge_history(history, run_id="r", checks=None if full else {})
    except RunError as error:
        unexpected = [] if damage.file == SCENARIO else [f"only a damaged scenario is an error: {error}"]
        return Outcome(damaged=damage, verdict="RunError", wrong=tuple(unexpected))
    except Exception as error:  # noqa: BLE001 -- crashes are what this looks for
        return Outcome(damaged=damage, verdict="crash", wrong=(f"{type(error).__name__}: {error}",))
    wrong = tuple(_wrong(before, after, history, full=full))
    return Outcome(damaged=damage, verdict=after.verdict, wrong=wrong)


def _wrong(before: Judgement, after: Judgement, history: History, *, full: bool) -> Iterator[str]:
    """Yield violations of the verdict's rules; with ``full``, also those of each finding."""
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
                yield f"{finding.name} {finding.limit} no longer fails, though all its inputs are undamaged"
        elif (finding.verdict, finding.observed) != (was.verdict, was.observed):
            yield f"{finding.name} {finding.limit} was {was.verdict} and is {finding.verdict}"


def _reads(finding: Finding) -> frozenset[str]:
    return frozenset(CHECKS[finding.name].needs) | _NEEDED_BY_EVERY_LIMIT


def _cache_parts() -> None:
    """Parse unchanged files only once: a damage affects one of hundreds."""
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
    """Apply each damage to a copy of the run, and judge it."""
    recorded, folder, damages = task
    _cache_parts()
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
    """Judge this many damages of a run, every file in turn and in every way, in ``jobs`` processes."""
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
    """Yield files with their damages, in an order that reaches every file early."""
    rounds = {file: rng.sample(fitting(file), len(fitting(file))) for file in files}
    for number in range(count):
        file = files[number % len(files)]
        yield file, rounds[file][number // len(files) % len(rounds[file])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "run", type=Path, help="folder of a recorded run, which is copied and stays unchanged"
    )
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument(
        "--full-every", type=int, default=40, help="judge one in this many damages by all checks"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    outcomes = sweep(
        args.run, damages=args.damages, full_every=args.full_every, seed=args.seed, jobs=args.jobs
    )
    wrong = [one for one in outcomes if one.wrong]
    files = len({one.damaged.file for one in outcomes})
    report = [
        *(f"WRONG  {one.damaged}: {'; '.join(one.wrong)}" for one in wrong),
        f"{len(outcomes):,} damages of {files:,} files, {len(wrong):,} of them judged wrong",
        f"verdicts: {dict(Counter(str(one.verdict) for one in outcomes))}",
        f"damages: {dict(Counter(one.damaged.how for one in outcomes))}",
    ]
    print("\n".join(report))  # noqa: T201
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
