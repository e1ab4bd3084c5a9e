"""No damage to a stored run may improve its verdict or convict the platform."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.base.errors import RunError
from harness.history.reader import History
from harness.history.run_info import RunInfo
from harness.history.seal import SCENARIO, SEAL, seal_history
from harness.history.writer import write_parquet
from harness.judge.judge import judge_history
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import Verdict
from tests.core.synthetic import make_run
from tests.damage import DAMAGES, Damaged, damaged, fitting, judge_in_full, judged_files, outcome, sweep

seeds = st.integers(0, 2**32)
FIXTURES = [HealthCheck.function_scoped_fixture]


def lose_an_event(run: Path) -> None:
    """Remove an acknowledged record from the run's source topic."""
    (part,) = (run / "history/readback_events").glob("*.parquet")
    rows = pq.read_table(part)
    lost = pc.and_(pc.equal(rows["topic"], "events"), pc.equal(rows["seq"], 7))
    write_parquet(rows.filter(pc.invert(lost)), part)


@pytest.fixture(scope="module")
def passes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A passing run, which every test leaves unchanged."""
    return make_run(tmp_path_factory.mktemp("runs") / "passes", events=2_000)


@pytest.fixture(scope="module")
def fails(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that lost an event, which every test leaves unchanged."""
    run = make_run(tmp_path_factory.mktemp("runs") / "fails", events=2_000)
    lose_an_event(run)
    seal_history(run)
    return run


@pytest.fixture(scope="module")
def judged(passes: Path, fails: Path) -> dict[Path, Judgement]:
    """The judgements of both runs before any damage."""
    return {run: judge_in_full(run) for run in (passes, fails)}


def test_undamaged_runs_are_judged_by_their_content(
    passes: Path, fails: Path, judged: dict[Path, Judgement]
) -> None:
    assert (judged[passes].verdict, judged[passes].problems) == (Verdict.PASS, ())
    assert (judged[fails].verdict, judged[fails].problems) == (Verdict.FAIL, ())


@pytest.mark.parametrize("name", ["passes", "fails"])
@settings(max_examples=12, suppress_health_check=FIXTURES)
@given(data=st.data(), seed=seeds)
def test_no_damage_improves_a_verdict_or_convicts(
    request: pytest.FixtureRequest, name: str, judged: dict[Path, Judgement], data: st.DataObject, seed: int
) -> None:
    run: Path = request.getfixturevalue(name)
    file = data.draw(st.sampled_from(judged_files(run)))
    how = data.draw(st.sampled_from(fitting(file)))
    with damaged(run, file, how, seed) as changed:
        assume(changed)
        assert outcome(run, Damaged(file=file, how=how), judged[run], full=True).wrong == ()


@pytest.mark.parametrize("name", ["passes", "fails"])
@pytest.mark.parametrize("how", ["swapped with another", "overwritten by another"])
@pytest.mark.parametrize("seed", range(3))
def test_an_invalid_seal_hides_no_other_damage(
    request: pytest.FixtureRequest, name: str, how: str, seed: int, judged: dict[Path, Judgement]
) -> None:
    run: Path = request.getfixturevalue(name)
    with damaged(run, SEAL, how, seed):
        assert outcome(run, Damaged(file=SEAL, how=how), judged[run], full=True).wrong == ()


@pytest.mark.parametrize("how", DAMAGES)
def test_every_damage_to_every_file_is_noticed(passes: Path, judged: dict[Path, Judgement], how: str) -> None:
    for file in (file for file in judged_files(passes) if how in fitting(file)):
        with damaged(passes, file, how, seed=1) as changed:
            noticed = outcome(passes, Damaged(file=file, how=how), judged[passes], full=False)
            assert not changed or noticed.wrong == (), file


def test_a_sweep_restores_what_it_damages_and_leaves_the_run_alone(passes: Path) -> None:
    found = {path: path.read_bytes() for path in passes.rglob("*") if path.is_file()}
    outcomes = sweep(passes, damages=20, full_every=20, seed=3, jobs=1)
    assert len(outcomes) > 15
    assert [one for one in outcomes if one.wrong] == []
    assert {path: path.read_bytes() for path in passes.rglob("*") if path.is_file()} == found


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed just before it ended."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "killed", events=2_000)
    (folder / SEAL).unlink()
    history = folder / "history"
    RunInfo.load(history).model_copy(update={"ended": "no"}).save(history)
    return folder


@settings(max_examples=25, suppress_health_check=FIXTURES)
@given(data=st.data(), seed=seeds)
def test_a_killed_run_can_be_read_despite_any_damage(killed: Path, data: st.DataObject, seed: int) -> None:
    file = data.draw(st.sampled_from(judged_files(killed)))
    how = data.draw(st.sampled_from(fitting(file)))
    with damaged(killed, file, how, seed):
        try:
            judgement = judge_history(History.open(killed), run_id="r")
        except RunError:
            assert file == SCENARIO
        else:
            assert judgement.verdict is not Verdict.PASS


LOST = {
    "the first part": slice(0, 1),
    "one in the middle": slice(1, 2),
    "the last": slice(-1, None),
    "all": slice(None),
}


@pytest.mark.parametrize("lost", LOST)
def test_a_part_that_is_missing_from_a_killed_run_is_noticed(killed: Path, tmp_path: Path, lost: str) -> None:
    run = Path(shutil.copytree(killed, tmp_path / "run"))
    for part in sorted((run / "history/samples").glob("*.parquet"))[LOST[lost]]:
        part.unlink()
    history = History.open(run)
    assert history.damaged == {"samples"}
    (problem,) = history.problems
    assert problem.startswith("samples/sampler-00000")
    assert "missing" in problem
