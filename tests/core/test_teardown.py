"""What was begun is ended, in reverse, and the first error is the one that is seen."""

from __future__ import annotations

import pytest

from harness.run.teardown import Teardown


def fail() -> None:
    raise OSError("teardown")


def test_steps_run_in_reverse() -> None:
    order: list[int] = []
    with Teardown(lambda _: None) as teardown:
        teardown.on_exit("end the first", lambda: order.append(1))
        teardown.on_exit("end the second", lambda: order.append(2))
    assert order == [2, 1]


def test_a_failing_step_costs_no_other() -> None:
    ended: list[str] = []
    with pytest.raises(OSError, match="teardown"), Teardown(lambda _: None) as teardown:
        teardown.on_exit("end the platform", lambda: ended.append("platform"))
        teardown.on_exit("fail", fail)
    assert ended == ["platform"]


def test_a_teardown_error_never_hides_the_first() -> None:
    said: list[str] = []
    with pytest.raises(ValueError, match="first"), Teardown(said.append) as teardown:
        teardown.on_exit("stop", fail)
        raise ValueError("first")
    assert said == ["could not stop: OSError: teardown"]


def test_an_interrupt_still_tears_down() -> None:
    ended: list[str] = []
    with pytest.raises(KeyboardInterrupt), Teardown(lambda _: None) as teardown:
        teardown.on_exit("end the platform", lambda: ended.append("platform"))
        raise KeyboardInterrupt
    assert ended == ["platform"]
