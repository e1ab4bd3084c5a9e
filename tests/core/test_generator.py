"""How late a load process is through its own fault, told from what the platform held up."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.history.reader import History
from tests.core.events_parts import Hand, Noted, generator, make_meter
from tests.core.histories import scenario

MS = 1_000_000


def test_a_sample_holds_the_worst_since_the_one_before_it(tmp_path: Path) -> None:
    hand = Hand()
    meter = make_meter(tmp_path, hand)
    for second, lateness_ms in enumerate(([30, 5], [7])):
        for ms in lateness_ms:
            meter.woke(0, ms * MS)
        hand.ns = (second + 1) * 10**9
        meter.sample_if_due()
    meter.close()
    assert [row["late_ms"] for row in generator(tmp_path)] == [30, 7]


def test_samples_are_half_a_second_apart(tmp_path: Path) -> None:
    hand = Hand()
    meter = make_meter(tmp_path, hand)
    for hand.ns in range(1, 2_000_000_002, 100_000_000):
        meter.sample_if_due()
    meter.close()
    assert [row["at_ns"] // MS for row in generator(tmp_path)] == [500, 1000, 1500, 2000]


def test_a_sample_holds_the_share_of_a_processor_that_was_used(tmp_path: Path) -> None:
    hand = Hand()
    meter = make_meter(tmp_path, hand, cpu_s=iter([1.0, 2.5]).__next__)
    hand.ns += 2 * 10**9
    meter.close()
    assert [row["cpu_share"] for row in generator(tmp_path)] == [0.75]


def test_what_waited_for_the_client_is_not_the_generators_fault(tmp_path: Path) -> None:
    hand = Hand()
    meter = make_meter(tmp_path, hand)
    meter.handed_over(100 * MS, 450 * MS, blocked_until_ns=400 * MS)
    hand.ns = 10**9
    meter.close()
    (row,) = generator(tmp_path)
    assert (row["late_ms"], row["blocked_ms"]) == (50, 300)


@given(due=st.integers(0, 100), blocked_until=st.integers(0, 100), waited=st.integers(0, 100))
def test_nobody_is_blamed_for_more_than_the_whole_wait(due: int, blocked_until: int, waited: int) -> None:
    noted = Noted()
    noted.handed_over(due, due + waited, blocked_until_ns=min(blocked_until, due + waited))
    assert 0 <= noted.late[0] <= waited


def test_the_table_is_part_of_the_history(tmp_path: Path) -> None:
    (tmp_path / "scenario.json").write_text(scenario().model_dump_json())
    hand = Hand()
    meter = make_meter(tmp_path, hand)
    hand.ns = 10**9
    meter.close()
    assert History.open(tmp_path).value("SELECT count(*) FROM generator") == 1
