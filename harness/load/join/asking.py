"""Sends questions to the master and waits for the answers, as Locust messages."""

from __future__ import annotations

from typing import Any, Final

import gevent
from gevent.event import AsyncResult
from locust.runners import WorkerRunner
from pydantic import ValidationError

from harness.load.join.messages import ANSWER, ASK, Answer, Refused

ANSWER_TIMEOUT_S: Final = 30.0


class Asking:
    """The worker's end. Several greenlets may ask at once."""

    def __init__(self, runner: WorkerRunner) -> None:
        self._runner = runner
        self._waiting: dict[int, AsyncResult[Answer]] = {}
        self._asked = 0
        runner.register_message(ANSWER, self._answered)

    def __call__(self, kind: str, data: dict[str, Any], timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
        """Return the answer. Raises Refused, or TimeoutError if none comes."""
        self._asked += 1
        number, waiting = self._asked, AsyncResult()
        self._waiting[number] = waiting
        try:
            self._runner.send_message(ASK, {"number": number, "kind": kind, "data": data})
            answer = waiting.get(timeout=timeout_s)
        except gevent.Timeout as late:
            raise TimeoutError(f"the master did not answer for {timeout_s:g} s ({kind})") from late
        finally:
            del self._waiting[number]
        if answer.error:
            raise Refused(answer.error)
        return answer.data

    def _answered(self, msg: Any, **_: Any) -> None:
        try:
            answer = Answer.model_validate(msg.data)
        except ValidationError:
            return
        # The caller may have given up.
        if (waiting := self._waiting.get(answer.number)) is not None:
            waiting.set(answer)
