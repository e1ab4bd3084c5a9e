#!/usr/bin/env bash
# Python's HdrHistogram log writer drops the tags that its own reader understands.
#
# A log may hold several recordings by tag (`Tag=read,...`), as of reads and writes. hdrhistogram 0.10.8 (PyPI) keeps
# a histogram's tag in memory and reads `Tag=` from a log, but output_interval_histogram never writes it. A Python
# program that filters or merges a tagged log gives out one in which reads and writes are one untagged series, without
# an error. Java's HistogramLogProcessor (HdrHistogram 2.2.2) then finds nothing under -tag read, and lists both
# together, 5 ms and 500 ms, where no tag is asked for.
#
# The writer's output_start_time cannot be used at all: it calls datetime.iso_format, which Python has never had, so
# a log's start can only be written by hand.
#
# Seen: read back in Python: tags [None, None]; Java: 0 values tagged read, 200 untagged.
# Fails when that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q hdrhistogram==0.10.8
mvn -q dependency:copy -Dartifact=org.hdrhistogram:HdrHistogram:2.2.2 -DoutputDirectory=. >/dev/null

python=$(venv/bin/python - <<'PY'
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader, HistogramLogWriter

with open("two.hlog", "w", encoding="ascii") as file:
    writer = HistogramLogWriter(file)
    writer.output_log_format_version()
    try:
        writer.output_start_time(1_700_000_000)
    except AttributeError as error:
        print(f"output_start_time: {error};", end=" ")
    for tag, value_ms in (("read", 5), ("write", 500)):
        histogram = HdrHistogram(1, 60_000, 3)
        histogram.set_tag(tag)
        histogram.record_value(value_ms, 100)
        writer.output_interval_histogram(histogram, 1_700_000_000, 1_700_000_001)

reader = HistogramLogReader("two.hlog", HdrHistogram(1, 60_000, 3))
tags = []
while (histogram := reader.get_next_interval_histogram()) is not None:
    tags.append(histogram.get_tag())
print(f"tags read back: {tags}")
PY
)

counted() {
    java -cp HdrHistogram-2.2.2.jar org.HdrHistogram.HistogramLogProcessor -i two.hlog "$@" 2>/dev/null \
        | sed -n 's/^#\[Max .*Total count *= *\([0-9]*\)\]$/\1/p'
}
tagged=$(counted -tag read)
untagged=$(counted)

echo "python: $python; java counts ${tagged:-0} values tagged read, $untagged untagged"
[[ "$python" == *"no attribute 'iso_format'"*"tags read back: [None, None]" && "${tagged:-0}" == 0 && "$untagged" == 200 ]]
