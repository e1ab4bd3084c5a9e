#!/usr/bin/env bash
# A distributed Locust run that loses its only worker stops sending, and ends on time with exit code 0.
#
# locust 2.47.0: the master counts a worker as missing after about four seconds without a heartbeat. When it was the
# last one, it logs "The last worker went missing, stopping test", waits until --run-time is over all the same, and
# exits with 0, as no request has failed. A gate that looks at exit code and duration takes a load of a few seconds for
# one of a minute. A worker need not die for that: one that stands still for a moment is enough, here by SIGSTOP.
#
# Seen: exit code 0 after a minute, at most a few of the 120 requests that were due, no failure counted.
# Fails when that changes.
set -euo pipefail
work=$(mktemp -d)
worker=
trap '[[ -z $worker ]] || kill -KILL "$worker" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q locust==2.47.0

cat > locustfile.py <<'PY'
from locust import User, constant, task


class Client(User):
    """Reports a request a second that took a millisecond; it needs no server."""

    wait_time = constant(1)

    @task
    def ask(self):
        self.environment.events.request.fire(
            request_type="ASK", name="ask", response_time=1, response_length=0, exception=None, context={}
        )
PY

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/locust --worker --master-port "$port" --loglevel WARNING >worker.log 2>&1 &
worker=$!

began=$SECONDS
venv/bin/locust --master --master-bind-host 127.0.0.1 --master-bind-port "$port" --expect-workers 1 \
    --headless --users 2 --spawn-rate 2 --run-time 60s --csv run >master.log 2>&1 &
master=$!
while ! grep -q "All users spawned" master.log; do kill -0 "$master"; read -rt 0.2 <> <(:) || :; done
kill -STOP "$worker"
status=0
wait "$master" || status=$?
took=$((SECONDS - began))

read -r requests failures < <(python3 -c '
import csv
*_, total = csv.DictReader(open("run_stats.csv"))
print(total["Request Count"], total["Failure Count"])')
grep "went missing, stopping test" master.log
echo "exit code $status after $took s: $requests of 120 requests, failures counted: $failures"
[[ $status == 0 && $requests -lt 60 && $failures == 0 ]]
