-- What happens to an event between the topics, one step a view.

-- All that the job needs of a record. The contract's other fields are judged with the rest, but never built.
CREATE VIEW judged_records AS
SELECT event_id, entity_id, category, `value`, original, original_key, event_time, source_partition, source_offset,
    rejection, late, closes
FROM events;

CREATE VIEW valid_events AS
SELECT event_id, entity_id, category, `value`, event_time, original, late, closes, PROCTIME() AS arrived
FROM judged_records
WHERE rejection IS NULL;

-- The same identity again is a duplicate, whatever else it says. The first to arrive is kept.
CREATE VIEW deduplicated_events AS
SELECT event_id, entity_id, category, `value`, event_time, original, late, closes
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY ${identity} ORDER BY arrived ASC) AS occurrence
    FROM valid_events
)
WHERE occurrence = 1;

-- An event is late when its five-minute window had closed. Mostly its partition's own order tells. The watermark can
-- be further on only when the partition had been idle. Either way no window operator ever sees a late event.
CREATE VIEW judged_events AS
SELECT entity_id, category, `value`, event_time, original,
    late OR COALESCE(closes <= CURRENT_WATERMARK(event_time), FALSE) AS late
FROM deduplicated_events;

-- when late_events=late_topic
CREATE VIEW windowed_events AS
SELECT entity_id, category, `value`, event_time FROM judged_events WHERE NOT late;

-- when late_events=drop
CREATE VIEW windowed_events AS
SELECT entity_id, category, `value`, event_time FROM deduplicated_events;

-- A sum of finite values may not be finite itself, and JSON has no number for that: the result is null then.
CREATE VIEW tumbling_windows AS
SELECT 'tumbling' AS window_kind, category AS `key`,
    ${epoch_ms_of_window_start} AS window_start, ${epoch_ms_of_window_end} AS window_end,
    COUNT(*) AS events, COUNT(`value`) AS measured,
    ${finite_sum} AS value_sum, MIN(`value`) AS value_min, MAX(`value`) AS value_max
FROM TUMBLE(TABLE windowed_events, DESCRIPTOR(event_time), ${window})
GROUP BY category, window_start, window_end;

CREATE VIEW hopping_windows AS
SELECT 'hopping' AS window_kind, category AS `key`,
    ${epoch_ms_of_window_start} AS window_start, ${epoch_ms_of_window_end} AS window_end,
    COUNT(*) AS events, COUNT(`value`) AS measured,
    ${finite_sum} AS value_sum, MIN(`value`) AS value_min, MAX(`value`) AS value_max
FROM HOP(TABLE windowed_events, DESCRIPTOR(event_time), ${window}, ${hopping_window})
GROUP BY category, window_start, window_end;

-- Sessions are made of slices of one entity, not of single events: the same sessions, for a tenth of the work.
CREATE VIEW entity_slices AS
SELECT entity_id, window_time, MIN(event_time) AS first_time, MAX(event_time) AS last_time,
    COUNT(*) AS events, COUNT(`value`) AS measured,
    SUM(`value`) AS value_sum, MIN(`value`) AS value_min, MAX(`value`) AS value_max
FROM TUMBLE(TABLE windowed_events, DESCRIPTOR(event_time), ${window})
GROUP BY entity_id, window_start, window_end, window_time;

CREATE VIEW session_windows AS
SELECT 'session' AS window_kind, entity_id AS `key`, window_start, window_end,
    events, measured, ${finite_session_sum} AS value_sum, value_min, value_max
FROM sessions(
    slice => TABLE entity_slices PARTITION BY entity_id,
    gap => ${session_gap},
    size => ${window},
    on_time => DESCRIPTOR(window_time),
    uid => 'sessions'
);
