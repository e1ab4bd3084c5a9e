"""Several things at the same time: answers in order, and nothing left running behind an error."""

from __future__ import annotations

from threading import Barrier

import pytest

from pipeline.days.tasks.parallel import in_parallel

TOGETHER_S = 10


def test_all_are_under_way_at_the_same_time_and_answers_are_in_order() -> None:
    together = Barrier(3)

    def met(number: int) -> int:
        together.wait(TOGETHER_S)
        return number

    assert in_parallel(met, [2, 0, 1]) == (2, 0, 1)


def test_an_error_is_raised_once_all_have_ended() -> None:
    together, ended = Barrier(2), []

    def one_fails(number: int) -> None:
        together.wait(TOGETHER_S)
        if number == 0:
            raise ValueError("the first")
        ended.append(number)

    with pytest.raises(ValueError, match="the first"):
        in_parallel(one_fails, [0, 1])
    assert ended == [1]


def test_none_has_no_answers() -> None:
    assert in_parallel(str, []) == ()
