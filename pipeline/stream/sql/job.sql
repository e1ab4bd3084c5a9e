-- One job: it reads each event once, and all of its outputs are committed together.

INSERT INTO events_dead_letter
SELECT original_key, original, event_time, MAP[
    'reason', ENCODE(rejection, 'UTF-8'),
    'source_topic', ENCODE('events', 'UTF-8'),
    'source_partition', ENCODE(CAST(source_partition AS STRING), 'UTF-8'),
    'source_offset', ENCODE(CAST(source_offset AS STRING), 'UTF-8')
]
FROM judged_records
WHERE rejection IS NOT NULL;

INSERT INTO events_valid
SELECT entity_id, original, event_time FROM deduplicated_events;

-- when late_events=late_topic
INSERT INTO events_late
SELECT entity_id, original, event_time FROM judged_events WHERE late;

INSERT INTO window_results
SELECT *, TO_TIMESTAMP_LTZ(window_end, 3)
FROM (
    SELECT * FROM tumbling_windows
    UNION ALL SELECT * FROM hopping_windows
    UNION ALL SELECT * FROM session_windows
);
