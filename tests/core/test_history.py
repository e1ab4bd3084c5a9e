"""A history is written in whole parts and read as what it is: damaged, foreign or whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.base.errors import RunError
from harness.history.plan_schema import PLAN
from harness.history.reader import History
from harness.history.writer import TableWriter, append_jsonl, write_parquet
from tests.core.histories import closing, event, history, run_info, scenario


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "history").mkdir()
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    run_info(ended="no").save(tmp_path / "history")
    return tmp_path


def writer(run: Path, table: str = "readback_events", prefix: str = "w", **options: float) -> TableWriter:
    return TableWriter(run / "history", table, prefix, **options)  # type: ignore[arg-type]


def parts(run: Path, table: str = "readback_events") -> list[str]:
    return sorted(path.name for path in (run / "history" / table).glob("*.parquet"))


def test_columns_rows_and_constants_are_read_back_in_order(run: Path) -> None:
    with writer(run) as table:
        table.write({"topic": "events", "partition": 1, "offset": np.arange(2), "seq": [5, 6]})
        table.add(topic="events_late", partition=0, offset=7, seq=-1)
    rows = History.open(run).rows(
        'SELECT topic, partition, "offset", seq, reason FROM readback_events ORDER BY 3'
    )
    assert [tuple(row.values()) for row in rows] == [
        ("events", 1, 0, 5, None),
        ("events", 1, 1, 6, None),
        ("events_late", 0, 7, -1, None),
    ]


@pytest.mark.parametrize("kind", [list, np.array, pa.array, lambda topics: pa.chunked_array([topics])])
def test_columns_come_as_lists_or_arrays(run: Path, kind: Callable[[list[str]], Any]) -> None:
    topics = kind(["events", "events_late"])
    with writer(run) as table:
        table.write({"topic": topics, "seq": kind([1, 2])})
    assert History.open(run).value("SELECT count(DISTINCT topic) FROM readback_events") == 2


@pytest.mark.parametrize("columns", [{"tpoic": ["a"]}, {"seq": [1, 2], "offset": [1]}])
def test_wrong_columns_are_refused(run: Path, columns: dict[str, list[object]]) -> None:
    with pytest.raises(ValueError, match="column"):
        writer(run).write(columns)


def test_a_misspelt_field_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="tpoic"):
        writer(run).add(tpoic="a")


def test_a_part_is_written_when_the_last_is_old(run: Path) -> None:
    clock = Clock()
    table = TableWriter(run / "history", "seen", "p", every_s=1.0, clock=clock)
    table.add(at_ns=1)
    assert parts(run, "seen") == []
    clock.now_s = 1.0
    table.flush_if_due()
    assert parts(run, "seen") == ["p-000000.parquet"]


def test_a_part_is_written_when_it_has_grown_large(run: Path) -> None:
    table = writer(run, rows_per_part=2)
    table.write({"seq": [1, 2]})
    assert parts(run) == ["w-000000.parquet"]


def test_a_process_that_starts_again_overwrites_nothing(run: Path) -> None:
    for _ in range(2):
        with writer(run) as table:
            table.add(seq=1)
    assert parts(run) == ["w-000000.parquet", "w-000001.parquet"]


def test_a_writer_that_found_nothing_says_so(run: Path) -> None:
    writer(run).close()
    read = History.open(run)
    assert "readback_events" not in read.missing
    assert read.value("SELECT count(*) FROM readback_events") == 0


def test_a_table_that_was_never_written_is_empty_and_missing(run: Path) -> None:
    read = History.open(run)
    assert {"readback_events", "plan", "hot_writes", "phases"} <= read.missing
    assert read.value("SELECT count(*) FROM readback_events") == 0


def test_a_part_that_is_still_being_written_is_not_there_yet(run: Path) -> None:
    with writer(run) as table:
        table.add(seq=1)
    (run / "history/readback_events/w-000001.parquet.partial").write_bytes(b"PAR1")
    read = History.open(run)
    assert (read.damaged, read.value("SELECT count(*) FROM readback_events")) == (frozenset(), 1)


def foreign(path: Path) -> None:
    pq.write_table(pa.table({"seq": ["one"]}), path)


DAMAGE = {
    "smaller than the minimum": lambda path: path.write_bytes(b"PAR1"),
    "column seq is string instead of int64": foreign,
    "it is a symbolic link": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_a_damaged_part_is_told_and_the_others_are_read(run: Path, reason: str) -> None:
    with writer(run) as table:
        table.add(seq=1)
    DAMAGE[reason](run / "history/readback_events/x.parquet")
    read = History.open(run)
    assert read.damaged == {"readback_events"}
    assert "readback_events/x.parquet" in read.problems[0]
    assert reason in read.problems[0]
    assert read.value("SELECT count(*) FROM readback_events") == 1


def test_the_plan_may_be_a_link(run: Path, tmp_path: Path) -> None:
    write_parquet(PLAN.empty_table(), tmp_path / "cached.parquet")
    (run / "history/plan.parquet").symlink_to(tmp_path / "cached.parquet")
    assert "plan" not in History.open(run).missing


def test_a_folder_whose_name_is_a_pattern_is_read_as_itself(tmp_path: Path) -> None:
    folder = tmp_path / "run[1]*"
    (folder / "history").mkdir(parents=True)
    (folder / "scenario.json").write_text(scenario().model_dump_json())
    with writer(folder) as table:
        table.add(seq=1)
    assert History.open(folder).value("SELECT count(*) FROM readback_events") == 1


def test_lines_are_read_and_a_torn_one_is_told(run: Path) -> None:
    lines = run / "history/phases.jsonl"
    append_jsonl(lines, {"at_ns": 1, "phase": "warm_up"})
    append_jsonl(lines, {"at_ns": 9, "phase": "steady"})
    with lines.open("ab") as file:
        file.write(b'{"at_ns": 1')
    read = History.open(run)
    assert [(span.phase, span.from_ns) for span in read.phases] == [("warm_up", 1), ("steady", 9)]
    assert "phases.jsonl line 3" in read.problems[0]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("phases.jsonl", "phases"),
        ("faults.jsonl", "faults"),
        ("ends.jsonl", "ends"),
        ("workers.jsonl", "workers"),
        ("hot_writes-0.jsonl", "hot_writes"),
    ],
)
@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"\xff", b"", b'{"at_ns": 1}', b'{"at_ns": 99999999999999999999}']
)
def test_a_wrong_line_damages_what_checks_need_its_file_by(
    run: Path, file: str, name: str, line: bytes
) -> None:
    (run / "history" / file).write_bytes(line + b"\n")
    read = History.open(run)
    assert read.damaged == {name}
    assert read.problems[0].startswith(f"{file} line 1")


def test_numbers_without_room_in_64_bits_are_no_lines(run: Path) -> None:
    line = {"at_unix_ns": 2**63, "duration_us": 1.0, "rows": 1, "table": "t"}
    append_jsonl(run / "history/hot_writes-0.jsonl", line)
    assert History.open(run).damaged == {"hot_writes"}


def test_half_a_line_at_the_end_of_a_killed_writers_log_is_no_damage(run: Path) -> None:
    log = run / "history/hot_writes-0.jsonl"
    append_jsonl(log, {"at_unix_ns": 1, "duration_us": 1.0, "rows": 1, "table": "t"})
    with log.open("ab") as file:
        file.write(b'{"at_unix_ns": 1')
    read = History.open(run)
    assert (read.value("SELECT count(*) FROM hot_writes"), read.damaged) == (1, frozenset())


def test_a_folder_in_place_of_a_file_is_told(run: Path) -> None:
    for name in ("phases.jsonl", "plan.parquet", "seen/w-000000.parquet"):
        (run / "history" / name).mkdir(parents=True)
    assert History.open(run).damaged == {"phases", "plan", "seen"}


def test_a_page_whose_checksum_is_wrong_is_told_when_the_history_is_opened(run: Path) -> None:
    with writer(run) as table:
        table.write({"seq": np.random.default_rng(1).integers(0, 2**60, 1000)})
    part = run / "history/readback_events/w-000000.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    read = History.open(run)
    assert (read.damaged, read.value("SELECT count(*) FROM readback_events")) == ({"readback_events"}, 0)


def test_a_process_that_starts_again_leaves_no_gap_where_the_first_was_killed_while_it_wrote(
    run: Path,
) -> None:
    with writer(run) as table:
        table.add(seq=1)
    (run / "history/readback_events/w-000001.parquet.partial").write_bytes(b"PAR1")
    with writer(run) as table:
        table.add(seq=2)
    assert parts(run) == ["w-000000.parquet", "w-000001.parquet"]
    assert History.open(run).problems == ()


def test_a_part_that_comes_while_its_folder_is_listed_is_no_gap(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(run, rows_per_part=1) as table:
        for seq in range(3):
            table.add(seq=seq)
    listed = Path.glob
    missed = "w-000001.parquet"
    monkeypatch.setattr(
        Path, "glob", lambda self, pattern: (p for p in listed(self, pattern) if p.name != missed)
    )
    assert History.open(run).problems == ()


def test_a_phase_that_does_not_exist_is_told(run: Path) -> None:
    append_jsonl(run / "history/phases.jsonl", {"at_ns": 1, "phase": "'; DROP TABLE seen"})
    assert "phases.jsonl line 1" in History.open(run).problems[0]


def test_a_broken_run_json_leaves_a_history_without_facts(run: Path) -> None:
    (run / "history/run.json").write_text("{")
    read = History.open(run)
    assert (read.info, "run" in read.missing) == (None, True)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_without_its_scenario_a_history_is_not_read(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "scenario.json").write_text(content)
    with pytest.raises(RunError):
        History.open(tmp_path)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/floodmark-escape'",
        "ATTACH '/tmp/floodmark-escape.db'",
        "INSTALL httpfs",
        "SET enable_external_access=true",
        "SELECT * FROM local_frame",
    ],
)
def test_queries_reach_nothing_but_the_history(sql: str) -> None:
    local_frame = pa.table({"a": [1]})
    with pytest.raises(duckdb.Error):
        history().query(sql)
    assert local_frame.num_rows == 1


def test_values_from_a_run_are_never_text_of_a_query() -> None:
    name = "x'); DROP TABLE plan; --"
    run = history(readback_events=[{"topic": name, "partition": 0, "offset": 0, "seq": -1}])
    assert run.columns("SELECT topic FROM readback_events")["topic"].tolist() == [name]


@pytest.mark.parametrize(
    ("told", "problems"), [(3, ("plan.parquet has 2 of the trace's 3 events",)), (2, ()), (None, ())]
)
def test_a_plan_that_lacks_events_of_its_trace_is_no_plan(
    told: int | None, problems: tuple[str, ...]
) -> None:
    plan = [event(0, 0), event(1, 1), event(2, 1, kind="duplicate", original_seq=1), closing(3)]
    of = history(plan=plan, info=run_info(trace_events=told))
    assert (of.problems, "plan" in of.damaged) == (problems, bool(problems))


@pytest.mark.parametrize(("encoded", "told"), [(3, False), (2, True)])
def test_an_encoded_trace_that_lacks_events_of_its_plan_is_told(encoded: int, told: bool) -> None:
    load = scenario().load.model_copy(update={"path": "record_batches"})
    plan = [event(0, 0), event(1, 1), event(2, 1, kind="duplicate", original_seq=1), closing(3)]
    of = history(
        plan=plan, encoded=[{"count": encoded}], info=run_info(trace_events=2), of=scenario(load=load)
    )
    problem = f"the encoded trace has {encoded} of the plan's 3 events"
    assert (of.problems, "encoded" in of.damaged) == ((problem,) if told else (), told)


def test_a_plan_whose_pages_cannot_be_read_is_a_problem_and_no_crash(run: Path) -> None:
    run_info(trace_events=2).save(run / "history")
    path = run / "history" / "plan.parquet"
    rows = [event(0, 0), event(1, 1), closing(2)]
    pq.write_table(pa.Table.from_pylist(rows, schema=PLAN), path, compression="zstd")
    place = pq.read_metadata(path).row_group(0).column(PLAN.get_field_index("kind"))
    whole = path.read_bytes()
    begins, size = place.dictionary_page_offset, place.total_compressed_size
    path.write_bytes(whole[:begins] + bytes(size) + whole[begins + size :])
    of = History.open(run)
    assert {problem.partition(":")[0] for problem in of.problems} == {"plan.parquet", "seal.json"}
    assert "plan" in of.damaged
