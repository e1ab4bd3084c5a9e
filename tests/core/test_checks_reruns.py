"""A day that is carried out again with nothing new is what it was."""

from __future__ import annotations

import pytest

from harness.judge.measure.measurement import Unjudged
from tests.core.histories import Rows, history
from tests.core.lake_histories import DAY, LAMBDA, measure, wrong

HELD = {"step": 4, "table": "silver/events", "event_date": DAY, "rows": 3, "checksum": 17}


def contents(*, before: Rows = (HELD,), after: Rows = (HELD,)) -> Rows:
    return [*({**row, "moment": "before"} for row in before), *({**row, "moment": "after"} for row in after)]


def test_a_day_that_stayed_what_it_was_is_well() -> None:
    assert wrong("reruns_unchanged", history(of=LAMBDA, lake_contents=contents())) == (0, ())


def test_a_table_without_days_is_compared_as_a_whole() -> None:
    whole = {**HELD, "table": "gold/entities", "event_date": None}
    same = contents(before=[whole], after=[whole])
    assert wrong("reruns_unchanged", history(of=LAMBDA, lake_contents=same)) == (0, ())
    changed = contents(before=[whole], after=[{**whole, "checksum": 1}])
    assert wrong("reruns_unchanged", history(of=LAMBDA, lake_contents=changed))[0] == 1


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ([{**HELD, "checksum": 18}], "3 rows before, 3 after"),
        ([{**HELD, "rows": 6}], "3 rows before, 6 after"),
        ([{**HELD, "table": "gold/daily"}, HELD], "0 rows before, 3 after"),
        ([{**HELD, "table": "gold/daily"}], "3 rows before, 0 after"),
    ],
)
def test_a_table_that_changed_is_told(after: Rows, told: str) -> None:
    changed, examples = wrong("reruns_unchanged", history(of=LAMBDA, lake_contents=contents(after=after)))
    assert changed == (2 if len(after) == 1 and after[0]["table"] != HELD["table"] else 1)
    assert any(told in example for example in examples)


def test_a_rerun_that_never_ended_is_not_judged() -> None:
    of = history(of=LAMBDA, lake_contents=contents(after=()))
    assert isinstance(measure("reruns_unchanged", of), Unjudged)
