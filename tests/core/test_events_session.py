"""What a sender knows is recorded even when Locust's process cannot wait for the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_STOPS_BROKEN = """
import sys
from pathlib import Path
from types import SimpleNamespace
from confluent_kafka import KafkaError, KafkaException
from locust.stats import RequestStats
from harness.load.workers.events_session import EventsSession
from tests.core.events_parts import FakeProducer, make_sender, operations, plan_row, turn

folder, broken = Path(sys.argv[1]), FakeProducer(answers=False)
sender, hand = make_sender(folder, [plan_row(seq) for seq in range(5)], [broken])
hand.ns = 10**9
turn(sender)
broken.raises = KafkaError(KafkaError._FAIL)
config = SimpleNamespace(topic="events", stop_timeout_s=1.0)
session = EventsSession(config, None, RequestStats(), lambda ok: None)
session._sender = sender
try:
    session.stop()
except KafkaException:
    print(sender.closed, [(row["count"], row["outcome"]) for row in operations(folder)])
"""


def test_a_session_that_breaks_while_it_stops_records_what_it_sent(tmp_path: Path) -> None:
    # Locust patches the standard library of the process that imports it.
    done = subprocess.run(
        [sys.executable, "-c", _STOPS_BROKEN, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "True [(5, 'unknown')]\n"
