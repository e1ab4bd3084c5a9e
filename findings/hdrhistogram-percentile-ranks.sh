#!/usr/bin/env bash
# The same recording has another p99 in Python than in Java and JavaScript.
#
# hdrhistogram 0.10.8 (PyPI) turns a percentile into a rank by int(percentile / 100 * total + 0.5), which rounds to the
# nearest; HdrHistogram 2.2.2 (Java) and hdr-histogram-js 3.0.1 round up, as the definition asks: the smallest value
# that at least so many percent of all do not exceed. Of 151 answers, two of them slow, p99 must be a slow one (the
# 150th of 151; 149 fast ones are 98.7%). Python reports a fast one. All three read and write the same log format, so
# a percentile that a gate passes in one tool may fail in the next one that opens the same file.
#
# Seen: python 10, java 900, javascript 900; of all counts up to 1,000 values, 49% of p99s are one rank lower in Python.
# Fails when that changes. Needs python3, java, npm and Maven's or the wheel registries' usual configuration.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q hdrhistogram==0.10.8
mvn -q dependency:copy -Dartifact=org.hdrhistogram:HdrHistogram:2.2.2 -DoutputDirectory=. >/dev/null
npm install --silent --no-fund --no-audit --prefix . hdr-histogram-js@3.0.1 >/dev/null

cat > Ranks.java <<'JAVA'
import org.HdrHistogram.Histogram;

class Ranks {
    public static void main(String[] args) {
        Histogram histogram = new Histogram(1, 3_600_000, 3);
        for (int i = 0; i < 149; i++) histogram.recordValue(10);
        for (int i = 0; i < 2; i++) histogram.recordValue(900);
        System.out.println(histogram.getValueAtPercentile(99));
    }
}
JAVA
java=$(java -cp HdrHistogram-2.2.2.jar Ranks.java)

javascript=$(node -e '
  const histogram = require("hdr-histogram-js").build({ lowestDiscernibleValue: 1, highestTrackableValue: 3600000 });
  for (let i = 0; i < 149; i++) histogram.recordValue(10);
  for (let i = 0; i < 2; i++) histogram.recordValue(900);
  console.log(histogram.getValueAtPercentile(99));')

read -r python lower < <(venv/bin/python - <<'PY'
import math

from hdrh.histogram import HdrHistogram

histogram = HdrHistogram(1, 3_600_000, 3)
histogram.record_value(10, 149)
histogram.record_value(900, 2)
lower = 0
for total in range(1, 1001):
    ranks = HdrHistogram(1, 10_000, 4)  # four digits: every rank up to 1,000 has a bucket of its own
    for rank in range(1, total + 1):
        ranks.record_value(rank)
    lower += ranks.get_value_at_percentile(99) < math.ceil(total * 99 / 100)
print(histogram.get_value_at_percentile(99), lower)
PY
)

echo "p99 of 149 x 10 and 2 x 900: python $python, java $java, javascript $javascript"
echo "p99 one rank too low in Python: $lower of 1000 totals"
[[ "$python $java $javascript" == "10 900 900" ]]
((lower > 400 && lower < 600))
