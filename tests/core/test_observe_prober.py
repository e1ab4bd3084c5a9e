"""The prober notes what it is going to look for before it looks for anything."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.base.clocks import Clocks
from harness.history.parquet_parts import without_dictionaries
from harness.history.schema import SOUGHT
from harness.observe.prober.probe_plan import ProberConfig
from harness.observe.prober.prober import Prober
from tests.core.events_parts import plan_row, write_plan


def test_what_is_sought_is_in_the_history_before_the_first_read(tmp_path: Path) -> None:
    clocks = Clocks(
        epoch_unix_ns=0, epoch_monotonic_ns=0, load_start_ns=1_000, origin_ms=86_400_000, time_scale=1.0
    )
    config = ProberConfig(
        endpoints=tmp_path / "endpoints.json",
        plan=write_plan(tmp_path / "plan.parquet", [plan_row(seq, entity_id="e") for seq in range(2)]),
        history=tmp_path,
        clocks=clocks,
        duration_s=1.0,
    )
    Prober(config)
    parts = [
        pq.read_table(path).cast(without_dictionaries(SOUGHT))
        for path in (tmp_path / "sought").glob("*.parquet")
    ]
    rows = [tuple(row.values()) for row in pa.concat_tables(parts).to_pylist()]
    assert rows == [
        ("hot_events", "e", "id-0", 86_400_000, "", 1_000),
        ("hot_events", "e", "id-1", 86_400_001, "", 1_001_000),
        ("hot_windows", "c", "", 0, "tumbling", 0),
        ("hot_windows", "c", "", 0, "hopping", 0),
        ("hot_windows", "e", "", 0, "session", 0),
    ]
