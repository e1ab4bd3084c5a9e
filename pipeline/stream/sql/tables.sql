-- The stream path's topics as tables. What stands in ${...} is filled in by pipeline/stream/render.py.

-- The connector (pipeline/stream/java) reads each record once and judges it by the contract as it does: a record that
-- breaks the contract has a rejection and none of the contract's fields. Watermarks follow valid events only.
CREATE TABLE events (
${contract_columns},
    original BYTES METADATA FROM 'value' VIRTUAL,
    original_key BYTES METADATA FROM 'key' VIRTUAL,
    event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    source_partition INT METADATA FROM 'partition' VIRTUAL,
    source_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    rejection STRING METADATA VIRTUAL,
    -- By the order of its partition alone, which a replay after a restart repeats.
    late BOOLEAN METADATA VIRTUAL,
    -- The last moment of the event's five-minute window.
    closes TIMESTAMP_LTZ(3) METADATA VIRTUAL,
    WATERMARK FOR event_time AS SOURCE_WATERMARK()
) WITH (
    'connector' = 'contract-kafka',
    'topic' = 'events',
    'contract.rules' = '${contract_rules}',
    'late.window' = '${window_ms} ms',
    'watermark.out-of-orderness' = '${out_of_orderness_ms} ms',
    'watermark.idle-timeout' = '${idle_timeout_ms} ms',
    'scan.bounded' = '${bounded}',
    'properties.group.id' = '${source_group}',
    'properties.isolation.level' = 'read_committed',
    ${kafka_properties}
);

CREATE TABLE events_valid (
    entity_id STRING,
    original BYTES,
    event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
) WITH (
    'topic' = 'events_valid',
    'sink.transactional-id-prefix' = '${deployment}-events_valid',
    'key.format' = 'raw',
    'key.fields' = 'entity_id',
    'value.format' = 'raw',
    'value.fields-include' = 'EXCEPT_KEY',
    ${sink}
);

CREATE TABLE events_late WITH (
    'topic' = 'events_late',
    'sink.transactional-id-prefix' = '${deployment}-events_late'
) LIKE events_valid (OVERWRITING OPTIONS);

CREATE TABLE events_dead_letter (
    original_key BYTES,
    original BYTES,
    event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
    headers MAP<STRING NOT NULL, BYTES> METADATA
) WITH (
    'topic' = 'events_dead_letter',
    'sink.transactional-id-prefix' = '${deployment}-events_dead_letter',
    'key.format' = 'raw',
    'key.fields' = 'original_key',
    'value.format' = 'raw',
    'value.fields-include' = 'EXCEPT_KEY',
    ${sink}
);

CREATE TABLE window_results (
    window_kind STRING,
    `key` STRING,
    window_start BIGINT,
    window_end BIGINT,
    events BIGINT,
    measured BIGINT,
    value_sum DOUBLE,
    value_min DOUBLE,
    value_max DOUBLE,
    event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
) WITH (
    'topic' = 'window_results',
    'sink.transactional-id-prefix' = '${deployment}-window_results',
    'key.format' = 'raw',
    'key.fields' = 'key',
    'value.format' = 'json',
    ${sink}
);

CREATE FUNCTION sessions AS 'floodmark.pipeline.SessionsOfSlices';
