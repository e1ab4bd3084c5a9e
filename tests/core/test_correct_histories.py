"""Of what a right platform leaves behind nothing raises an alarm; thousands more are judged by the tool."""

from __future__ import annotations

import pytest

from tests.correct_histories import alarms, correct_history

AT_ONCE = 20


@pytest.mark.parametrize("first", range(0, 120, AT_ONCE))
def test_correct_histories_raise_no_alarm(first: int) -> None:
    assert {seed: found for seed in range(first, first + AT_ONCE) if (found := alarms(seed))} == {}


def test_correct_histories_hold_what_could_raise_one() -> None:
    counts = {
        "late": "SELECT count(*) FROM readback_events WHERE topic = 'events_late'",
        "dead letters": "SELECT count(*) FROM readback_events WHERE topic = 'events_dead_letter'",
        "repeated": "SELECT count(*) FROM plan WHERE kind = 'duplicate'",
        "unknown outcomes": "SELECT count(*) FROM operations WHERE outcome = 'unknown'",
        "refusals": "SELECT count(*) FROM operations WHERE outcome = 'fail'",
    }
    drawn = [correct_history(seed) for seed in range(20)]
    assert [what for what, sql in counts.items() if not sum(of.value(sql) for of in drawn)] == []
    assert any(of.faults for of in drawn)
